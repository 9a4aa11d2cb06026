import { type Client, createClient } from '@anymq/core';
import { createMemoryDriver } from '@anymq/memory';
import { bodiesOf, payloadOf } from './payload.ts';
import { requireCount } from './bench-case.ts';
import type { Target, TargetKind } from './target.ts';

const chunk = 10_000;

export const memoryTarget: TargetKind = { on: 'memory', open: openMemory };

async function openMemory(): Promise<Target> {
  const driver = createMemoryDriver();
  const client = (await createClient(driver)) as Client;
  return {
    client,
    async fill(queue, { codec }, messages) {
      const producer = client.producer(queue);
      const payload = payloadOf(codec);
      let sent = 0;
      for (let left = messages; left > 0; left -= chunk) {
        const results = await producer.sendMany(bodiesOf(payload, Math.min(chunk, left)));
        sent += results.filter(({ ok }) => ok).length;
      }
      requireCount('filling the queue', sent, messages);
    },
    drained: () => driver.broker.idle(),
    close: () => client.close(),
  };
}
