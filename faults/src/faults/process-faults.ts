import { setTimeout as delay } from 'node:timers/promises';
import type { Fault, Scene } from '../fault.ts';
import type { Member } from '../member/member.ts';
import { between } from '../random.ts';

export const processFaults: readonly Fault[] = [
  {
    name: 'consumers-killed',
    what: 'SIGKILL of a consumer in the middle of its handlers, four times',
    short: true,
    inflict: (scene) => killInTurn(scene, scene.consumers),
  },
  {
    name: 'producers-killed',
    what: 'SIGKILL of a producer in the middle of its sends, four times',
    inflict: (scene) => killInTurn(scene, scene.producers),
  },
  {
    name: 'consumer-frozen',
    what: 'SIGSTOP of a consumer for longer than its lease, then SIGCONT: the zombie that wakes up',
    async inflict(scene) {
      await scene.progress(between(scene.random, 0.1, 0.4));
      const [consumer] = scene.consumers;
      consumer?.signal('SIGSTOP');
      await delay(1.5 * scene.leaseMs);
      consumer?.signal('SIGCONT');
    },
  },
  {
    name: 'out-of-memory',
    what: 'a handler that takes memory until its process has none, twice',
    consumerOptions: ['--max-old-space-size=128'],
    inflict: (scene) => ordersThatKill(scene, 'devour'),
  },
  {
    name: 'unhandled-rejection',
    what: 'a handler that leaves a rejection which nobody handles, twice: Node ends the process',
    inflict: (scene) => ordersThatKill(scene, 'reject'),
  },
  {
    name: 'event-loop-blocked',
    what: 'a handler that blocks the event loop for 10 s, longer than the lease',
    async inflict(scene) {
      await scene.progress(between(scene.random, 0.1, 0.4));
      scene.consumers[0]?.tell({ do: 'block', ms: 10_000 });
      await delay(10_000);
    },
  },
];

const times = 4;

async function killInTurn({ random, progress }: Scene, members: readonly Member[]): Promise<void> {
  for (let time = 0; time < times; time++) {
    await progress(between(random, time / (times + 1), (time + 1) / (times + 1)));
    const member = members[time % members.length];
    if (member === undefined) return;
    const died = member.died();
    member.signal('SIGKILL');
    await died;
  }
}

async function ordersThatKill({ random, progress, consumers }: Scene, order: 'devour' | 'reject'): Promise<void> {
  for (const [time, consumer] of consumers.entries()) {
    await progress(between(random, 0.1 + 0.4 * time, 0.4 + 0.4 * time));
    const died = consumer.died();
    consumer.tell({ do: order });
    await died;
  }
}
