import type { Consuming, Contender, OnMessage, Session } from '../compare/contender.ts';
import { sendsBy } from '../compare/sends-by.ts';
import type { Order } from '../payload.ts';
import { peerVersion, requirePeer } from '../peers.ts';
import { metadata } from './metadata.ts';
import { queueArguments } from './raw.ts';

/** What is called of rabbitmq-client. */
interface RabbitmqClient {
  readonly Connection: new (options: { readonly url: string; readonly noDelay: true }) => Connection;
}
interface Connection {
  on(event: 'error', listener: (error: Error) => void): unknown;
  queueDeclare(options: object): Promise<{ readonly messageCount: number }>;
  queueDelete(queue: string): Promise<unknown>;
  createPublisher(options: object): Publisher;
  createConsumer(options: object, handler: (message: { readonly body: Order }) => Promise<void>): Subscription;
  close(): Promise<void>;
}
interface Publisher {
  send(envelope: object, body: Order): Promise<void>;
  close(): Promise<void>;
}
interface Subscription {
  on(event: 'ready', listener: () => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
  close(): Promise<void>;
}

const prefetchCount = 1000;
let opened = 0;

/** Its publisher and consumer, as its README recommends; an array is sent all at once. It gets the same metadata. */
export const rabbitmqClient: Contender = {
  name: 'rabbitmq-client',
  role: 'peer',
  version: () => peerVersion('rabbitmq-client'),
  lacks: ['retry after a delay', 'dead letters with their reason', 'batch handlers', 'order by key'],
  omits: ['consume-batch'],
  share: 0.5,
  async open(url) {
    const { Connection } = requirePeer<RabbitmqClient>('rabbitmq-client');
    const queue = `client-bench-${process.pid}-${(opened += 1)}`;
    const rabbit = new Connection({ url, noDelay: true });
    const failed = Promise.withResolvers<never>();
    rabbit.on('error', failed.reject);
    await Promise.race([rabbit.queueDeclare({ queue, durable: true, arguments: queueArguments }), failed.promise]);
    const publisher = rabbit.createPublisher({ confirm: true });
    const envelope = { routingKey: queue, durable: true, mandatory: true };
    const send = (body: Order): Promise<void> => publisher.send({ ...envelope, ...metadata() }, body);
    const session: Session = {
      sends: sendsBy(send),
      consumes: { consume: (onMessage) => consume(rabbit, queue, onMessage) },
      send,
      async held() {
        return (await rabbit.queueDeclare({ queue, passive: true })).messageCount;
      },
      async close() {
        await publisher.close();
        await rabbit.queueDelete(queue);
        await rabbit.close();
      },
    };
    return session;
  },
};

async function consume(rabbit: Connection, queue: string, onMessage: OnMessage): Promise<Consuming> {
  const options = { queue, qos: { prefetchCount }, concurrency: prefetchCount, queueOptions: { passive: true } };
  const subscription = rabbit.createConsumer(options, ({ body }) => onMessage(body));
  await new Promise<void>((resolve, reject) => {
    subscription.on('ready', resolve);
    subscription.on('error', reject);
  });
  let stopping: Promise<void> | undefined;
  // It resolves when what runs has been acknowledged and the channel is closed.
  const stop = (): Promise<void> => (stopping ??= subscription.close());
  return { settled: stop, stop };
}
