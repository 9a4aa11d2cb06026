import {
  connect,
  type Consumer,
  createMemoryStore,
  defineQueue,
  type DriverModule,
  idempotent,
  type IdempotencyStore,
} from '@anymq/core';
import type { Order } from '../payload.ts';
import { sendAll } from '../send-all.ts';
import { type Consuming, type Contender, sendOperations, type Session } from './contender.ts';
import { sendsBy } from './sends-by.ts';

export interface AnymqOptions {
  readonly driver: DriverModule;
  readonly name?: string;
  /** With `idempotent`, and this store, which is asked for once for each session and closed with it. */
  readonly store?: (url: string) => OpenStore;
  /** Handlers at once, and the largest batch: as much as the raw client takes at once. */
  readonly atOnce: number;
  /** As `Contender.share`. */
  readonly share?: number;
  /** Of the queue, where the broker has them. */
  readonly partitions?: number;
  /** As `Session.calls`. */
  readonly calls?: () => number;
  /** Looks at a message in the queue with the broker's own client. */
  readonly look?: (url: string, names: Readonly<Record<string, string>>) => Promise<Readonly<Record<string, string>>>;
}

export interface OpenStore {
  readonly store: IdempotencyStore;
  readonly close: () => void;
}

/** What core's own part of idempotency costs. */
export function memoryStore(): OpenStore {
  return { store: createMemoryStore(), close: () => undefined };
}

let sessions = 0;

/** The product, with retry, dead letters and lease renewal on, as they are when nobody turns them off. */
export function anymqContender({
  driver,
  atOnce,
  name = 'anymq',
  look,
  calls,
  partitions,
  ...options
}: AnymqOptions): Contender {
  return {
    name,
    role: 'ours',
    version: () => 'this commit',
    lacks: [],
    ...(options.share === undefined ? {} : { share: options.share }),
    // Sending knows nothing of it.
    ...(options.store === undefined ? {} : { omits: sendOperations }),
    open: async (url) => {
      const namespace = `bench${process.pid.toString(36)}x${(sessions += 1).toString(36)}`;
      const client = await connect({ brokers: { main: url }, namespace }, { drivers: [driver] });
      const queue = defineQueue<Order>('bench', partitions === undefined ? {} : { partitions });
      await client.provision([queue]);
      const producer = client.producer(queue);
      const opened = options.store?.(url);
      const use = opened === undefined ? [] : [idempotent({ store: opened.store })];
      const session: Session = {
        sends: sendsBy(
          (body) => producer.send(body),
          (bodies) => sendAll(producer, bodies),
        ),
        consumes: {
          consume: (onMessage) =>
            running(client.consumer(queue, { concurrency: atOnce, use }, (body) => onMessage(body))),
          'consume-batch': (onMessage) =>
            running(
              client.batchConsumer(queue, { maxMessages: atOnce, maxWaitMs: 5, use }, async (deliveries) => {
                await Promise.all(deliveries.map(({ body }) => onMessage(body)));
              }),
            ),
        },
        async send(body) {
          await producer.send(body);
        },
        async held() {
          const { backlog, inFlight } = await client.inspect(queue);
          return (backlog.value ?? 0) + (inFlight.value ?? 0);
        },
        ...(calls === undefined ? {} : { calls }),
        ...(look === undefined ? {} : { stored: () => look(url, client.physicalNames(queue)) }),
        async close() {
          await client.remove([queue]);
          await client.close();
          opened?.close();
        },
      };
      return session;
    },
  };
}

/** All that was handled is acknowledged when a consumer has stopped; its end is therefore part of what is timed. */
async function running(consumer: Consumer): Promise<Consuming> {
  await consumer.start();
  const stop = () => consumer.stop();
  return { settled: stop, stop };
}
