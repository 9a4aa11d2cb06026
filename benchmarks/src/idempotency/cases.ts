import { createClient, type Client, type Consumer, defineQueue } from '@anymq/core';
import { createMemoryDriver } from '@anymq/memory';
import { createRedisStreamsDriver } from '@anymq/redis-streams';
import { Redis } from 'ioredis';
import { type BenchCase, requireCount } from '../bench-case.ts';
import { sendAll } from '../send-all.ts';
import { openProtection, type Protection, type ProtectionName } from './protections.ts';

export interface Urls {
  readonly redis: string;
  readonly postgres: string;
}

const bounds: ReadonlySet<string> = new Set(['awaited-call', 'bare-set']);

const operations = ['consume', 'consume-batch', 'consume-4-batches'] as const;
type Operation = (typeof operations)[number];
type Broker = 'memory' | 'redis';

const jobs = defineQueue<{ readonly n: number }>('jobs');
const names: readonly ProtectionName[] = [
  'without',
  'awaited-call',
  'bare-set',
  'memory',
  'redis',
  'postgres',
  'transactional',
];
/** How many times fewer messages are enough for what waits for a server. */
const slower: Readonly<Record<ProtectionName, number>> = {
  without: 1,
  'awaited-call': 1,
  'bare-set': 1,
  memory: 1,
  redis: 1,
  postgres: 8,
  transactional: 8,
};

export function idempotencyCases(urls: Urls, messages: number): readonly BenchCase[] {
  const all = (['memory', 'redis'] as const).flatMap((broker) =>
    operations.flatMap((operation) =>
      names.map((name) => oneCase(broker, operation, name, urls, Math.ceil(messages / slower[name]))),
    ),
  );
  // What nothing could cost less than is of interest where the broker costs next to nothing; batches at once, where a batch waits.
  return all.filter(({ labels }) =>
    labels.on === 'memory' ? labels.operation !== 'consume-4-batches' : !bounds.has(labels.variant),
  );
}

function oneCase(broker: Broker, operation: Operation, name: ProtectionName, urls: Urls, messages: number): BenchCase {
  return {
    labels: { on: broker, operation, codec: 'json', variant: name },
    messages,
    async prepare() {
      const client = await openClient(broker, urls);
      await fill(client, messages);
      const protection = openProtection(name, urls);
      await warm(protection);
      const { promise: done, resolve } = Promise.withResolvers<void>();
      let handled = 0;
      const consumer = openConsumer(operation, client, protection, (count) => {
        handled += count;
        if (handled === messages) resolve();
      });
      return {
        async run() {
          await consumer.start();
          await done;
          await consumer.stop();
        },
        async finish() {
          await client.remove([jobs]);
          await client.close();
          await protection.close();
          requireCount(operation, handled, messages);
        },
      };
    },
  };
}

async function openClient(broker: Broker, urls: Urls): Promise<Client> {
  if (broker === 'memory') return (await createClient(createMemoryDriver())) as Client;
  const namespace = `b${Math.random().toString(36).slice(2, 8)}`;
  const client = new Redis(urls.redis, { lazyConnect: true });
  return (await createClient(await createRedisStreamsDriver({ client, namespace }))) as Client;
}

async function fill(client: Client, messages: number): Promise<void> {
  const bodies = Array.from({ length: messages }, (_, n) => ({ n }));
  await sendAll(client.producer(jobs), bodies);
}

/** Connections and tables are made with the first message. */
async function warm({ use: [middleware] }: Protection): Promise<void> {
  const message = { id: 'warm', headers: {}, time: new Date(0), type: 't', source: '/s', body: new Uint8Array() };
  const delivery = { message, attempt: 1, redelivered: false, destination: 'warm' };
  await middleware?.(async () => undefined)(undefined, { ...delivery, signal: new AbortController().signal });
}

function openConsumer(
  operation: Operation,
  client: Client,
  { use }: Protection,
  tally: (count: number) => void,
): Consumer {
  if (operation === 'consume') return client.consumer(jobs, { use }, async () => tally(1));
  const concurrency = operation === 'consume-4-batches' ? 4 : 1;
  return client.batchConsumer(jobs, { use, maxWaitMs: 5, concurrency }, async (deliveries) => tally(deliveries.length));
}
