import { setTimeout as delay } from 'node:timers/promises';
import type { FaultProxy } from '@anymq/testing/proxy';
import type { DriverName } from '../drivers.ts';
import type { Scene } from '../fault.ts';
import type { Member } from '../member/member.ts';
import { between } from '../random.ts';
import { secretMark } from '../work.ts';

/** Something short that breaks and is whole again within seconds, for runs that break many things one after the other. */
export interface Strike {
  readonly name: string;
  /** Default: every driver. */
  readonly drivers?: readonly DriverName[];
  strike(scene: Scene, targets: Targets): Promise<void>;
}

/** The processes that it may end. */
export interface Targets {
  readonly consumer: Member;
  readonly producer: Member;
}

// What lives in memory alone is no broker to restart: the emulators of SQS.
const persistent: readonly DriverName[] = ['redis', 'rabbitmq', 'kafka'];
// A cut that nothing comes to must not hold up the others.
const cutWithinMs = 5000;

export const strikes: readonly Strike[] = [
  { name: 'consumer killed', strike: async (_, { consumer }) => kill(consumer) },
  { name: 'producer killed', strike: async (_, { producer }) => kill(producer) },
  {
    name: 'consumer frozen',
    async strike({ leaseMs }, { consumer }) {
      consumer.signal('SIGSTOP');
      await delay(1.5 * leaseMs);
      consumer.signal('SIGCONT');
    },
  },
  { name: 'rejection', strike: async (_, { consumer }) => consumer.tell({ do: 'reject' }) },
  { name: 'event loop blocked', strike: async (_, { consumer }) => consumer.tell({ do: 'block', ms: 5000 }) },
  {
    name: 'broker restarted',
    drivers: persistent,
    strike: ({ behind }) => behind.broker.container.restart(),
  },
  {
    name: 'broker killed',
    drivers: persistent,
    async strike({ behind }) {
      await behind.broker.container.kill();
      await behind.broker.container.restart();
    },
  },
  {
    name: 'broker paused',
    async strike({ behind }) {
      await behind.broker.container.pause();
      await delay(6000);
      await behind.broker.container.unpause();
    },
  },
  { name: 'connections cut', strike: async (scene) => eachProxy(scene, async (proxy) => proxy.cut()) },
  {
    name: 'connections refused',
    strike: (scene) =>
      eachProxy(scene, async (proxy) => {
        proxy.refuse();
        proxy.cut();
        await delay(3000);
        await proxy.accept();
      }),
  },
  {
    name: 'cut in a frame',
    strike: (scene) =>
      eachProxy(scene, (proxy) =>
        proxy.cutAfter({
          bytes: Math.floor(between(scene.random, 0, 4000)),
          direction: scene.random() < 0.5 ? 'toServer' : 'toClient',
          manner: scene.random() < 0.5 ? 'reset' : 'end',
        }),
      ),
  },
  {
    name: 'cut before the answer',
    strike: (scene) => eachProxy(scene, (proxy) => proxy.cutBeforeAnswer({ request: secretMark })),
  },
  {
    name: 'latency',
    async strike({ behind, random }) {
      for (const proxy of behind.proxies) proxy.slow({ delayMs: 40, jitterMs: 40, random });
      await delay(4000);
      for (const proxy of behind.proxies) proxy.slow(undefined);
    },
  },
  {
    name: 'half-open',
    async strike({ behind }) {
      for (const proxy of behind.proxies) proxy.stall();
      await delay(8000);
      for (const proxy of behind.proxies) proxy.resume();
    },
  },
];

async function kill(member: Member): Promise<void> {
  const died = member.died();
  member.signal('SIGKILL');
  await died;
}

async function eachProxy({ behind }: Scene, does: (proxy: FaultProxy) => Promise<unknown>): Promise<void> {
  await Promise.race([Promise.all(behind.proxies.map(does)), delay(cutWithinMs, undefined, { ref: false })]);
}
