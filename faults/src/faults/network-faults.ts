import { setTimeout as delay } from 'node:timers/promises';
import type { FaultProxy } from '@anymq/testing/proxy';
import type { Fault, Scene } from '../fault.ts';
import { between } from '../random.ts';
import { secretMark } from '../work.ts';

export const networkFaults: readonly Fault[] = [
  {
    name: 'connection-refused',
    what: 'all connections are cut, and new ones refused for 5 s',
    async inflict(scene) {
      await scene.progress(between(scene.random, 0.2, 0.5));
      for (const proxy of scene.behind.proxies) {
        proxy.refuse();
        proxy.cut();
      }
      await delay(5000);
      for (const proxy of scene.behind.proxies) await proxy.accept();
    },
  },
  {
    name: 'cut-in-a-frame',
    what: 'a connection is cut after so many bytes, in either direction, by RST or FIN, 12 times',
    short: true,
    inflict: (scene) =>
      repeatedly(scene, 12, (proxy, time) =>
        proxy.cutAfter({
          bytes: Math.floor(between(scene.random, 0, 4000)),
          direction: time % 2 === 0 ? 'toServer' : 'toClient',
          manner: time % 4 < 2 ? 'reset' : 'end',
        }),
      ),
  },
  {
    name: 'cut-before-answer',
    what: 'a connection is cut after the broker has accepted and before it answers, 12 times',
    short: true,
    inflict: (scene) =>
      repeatedly(scene, 12, (proxy, time) =>
        // Sends are known by their payload; what is between them are settlements and reads.
        proxy.cutBeforeAnswer({
          ...(time % 2 === 0 ? { request: secretMark } : {}),
          manner: time % 4 < 2 ? 'reset' : 'end',
        }),
      ),
  },
  {
    name: 'latency',
    what: '40 ms of latency with 40 ms of jitter, both ways, for 8 s',
    async inflict({ behind, progress, random }) {
      await progress(between(random, 0.1, 0.3));
      for (const proxy of behind.proxies) proxy.slow({ delayMs: 40, jitterMs: 40, random });
      await delay(8000);
      for (const proxy of behind.proxies) proxy.slow(undefined);
    },
  },
  {
    name: 'half-open',
    what: 'bytes stop for 20 s, both ways, on connections that stay open',
    async inflict({ behind, progress, random }) {
      await progress(between(random, 0.2, 0.5));
      for (const proxy of behind.proxies) proxy.stall();
      await delay(20_000);
      for (const proxy of behind.proxies) proxy.resume();
    },
  },
];

async function repeatedly(
  { behind, progress }: Scene,
  times: number,
  cut: (proxy: FaultProxy, time: number) => Promise<boolean>,
): Promise<void> {
  for (let time = 0; time < times; time++) {
    await progress((time + 1) / (times + 2));
    await Promise.all(behind.proxies.slice(0, 1).map((proxy) => cut(proxy, time)));
  }
}
