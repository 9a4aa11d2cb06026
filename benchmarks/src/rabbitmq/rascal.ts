import type { EventEmitter } from 'node:events';
import type { Consuming, Contender, OnMessage, Session } from '../compare/contender.ts';
import { sendsBy } from '../compare/sends-by.ts';
import type { Order } from '../payload.ts';
import { peerVersion, requirePeer } from '../peers.ts';
import { inspectQueue } from './inspect-queue.ts';
import { metadata } from './metadata.ts';
import { queueArguments } from './raw.ts';

/** What is called of rascal. */
interface Rascal {
  readonly BrokerAsPromised: { create(config: object): Promise<RascalBroker> };
  readonly withDefaultConfig: (config: object) => object;
}
interface RascalBroker extends EventEmitter {
  publish(publication: string, body: Order, overrides: object): Promise<EventEmitter>;
  subscribe(subscription: string, overrides: object): Promise<RascalSubscription>;
  shutdown(): Promise<void>;
}
interface RascalSubscription extends EventEmitter {
  cancel(): Promise<void>;
}

const prefetch = 1000;
/** So many publishes at once: its channel pool has ten. */
const atOnce = 1000;
let opened = 0;

/** Its defaults with a larger prefetch, which is what its documentation says about speed. Publishes one by one, with the same metadata. */
export const rascal: Contender = {
  name: 'rascal',
  role: 'peer',
  version: () => peerVersion('rascal'),
  lacks: ['batch handlers', 'order by key'],
  omits: ['consume-batch'],
  share: 0.05,
  async open(url) {
    const queue = `rascal-bench-${process.pid}-${(opened += 1)}`;
    const broker = await createBroker(url, queue);
    const send = (body: Order): Promise<void> => publish(broker, body);
    const sendAll = async (bodies: readonly Order[]): Promise<void> => {
      for (let start = 0; start < bodies.length; start += atOnce) {
        await Promise.all(bodies.slice(start, start + atOnce).map(send));
      }
    };
    const session: Session = {
      sends: { ...sendsBy(send, sendAll), 'send-at-once': sendAll },
      consumes: { consume: (onMessage) => consume(broker, onMessage) },
      send,
      held: () => inspectQueue(url, queue, 'count'),
      async close() {
        await inspectQueue(url, queue, 'delete');
        await broker.shutdown();
      },
    };
    return session;
  },
};

async function createBroker(url: string, queue: string): Promise<RascalBroker> {
  const { BrokerAsPromised, withDefaultConfig } = requirePeer<Rascal>('rascal');
  const { pathname } = new URL(url);
  const vhost = pathname.length > 1 ? decodeURIComponent(pathname.slice(1)) : '/';
  const broker = await BrokerAsPromised.create(
    withDefaultConfig({
      vhosts: {
        [vhost]: {
          connection: { url, socketOptions: { noDelay: true } },
          queues: { [queue]: { options: { durable: true, arguments: queueArguments } } },
        },
      },
      publications: { bench: { vhost, queue } },
      subscriptions: { bench: { vhost, queue, prefetch } },
    }),
  );
  broker.on('error', (error: Error) => {
    throw error;
  });
  return broker;
}

async function publish(broker: RascalBroker, body: Order): Promise<void> {
  const publication = await broker.publish('bench', body, { options: metadata() });
  await new Promise((resolve, reject) => {
    publication.on('success', resolve);
    publication.on('error', reject);
    publication.on('return', () => reject(new Error('rascal: a message was returned.')));
  });
}

async function consume(broker: RascalBroker, onMessage: OnMessage): Promise<Consuming> {
  const subscription = await broker.subscribe('bench', {});
  const failed = Promise.withResolvers<never>();
  subscription.on('error', failed.reject);
  subscription.on('message', (_message: unknown, content: Order, ackOrNack: (error?: Error) => void) => {
    onMessage(content).then(
      () => ackOrNack(),
      (error: unknown) => ackOrNack(error as Error),
    );
  });
  let stopping: Promise<void> | undefined;
  const stop = (): Promise<void> => (stopping ??= subscription.cancel());
  return { settled: () => Promise.race([stop(), failed.promise]), stop };
}
