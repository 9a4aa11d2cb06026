import type { Consuming, Contender, OnMessage, Session } from '../compare/contender.ts';
import { sendsBy } from '../compare/sends-by.ts';
import { Underway } from '../compare/underway.ts';
import { type Emitted, emitted, type NestServer, serve, withoutNestLog } from '../nest.ts';
import type { Order } from '../payload.ts';
import { peerVersion, requirePeer } from '../peers.ts';
import { inspectQueue } from './inspect-queue.ts';
import { metadata } from './metadata.ts';
import { queueArguments } from './raw.ts';

/** What is called of @nestjs/microservices. */
interface NestRabbitmq {
  readonly ClientRMQ: new (options: object) => {
    connect(): Promise<unknown>;
    emit(pattern: string, record: object): Emitted;
    close(): Promise<void>;
  };
  readonly ServerRMQ: new (options: object) => NestServer<RmqContext>;
  readonly RmqRecord: new (data: Order, options: object) => object;
}
interface RmqContext {
  getMessage(): object;
  getChannelRef(): Channel;
}

interface Channel {
  ack(message: object): void;
  checkQueue(queue: string): Promise<unknown>;
}

const pattern = 'order';
const prefetchCount = 1000;
let opened = 0;

/**
 * Its transport without the framework around it: events by `emit`, which is confirmed, made persistent here as its
 * documentation says, and `noAck: false` with an `ack` after the handler. It gets the same metadata.
 */
export const nestRabbitmq: Contender = {
  name: 'nest RMQ transport',
  role: 'peer',
  version: () => peerVersion('@nestjs/microservices'),
  lacks: [
    'retry (a failed event stays unacknowledged until its channel closes)',
    'dead letters with their reason',
    'noticing that a message was routed nowhere',
    'batch handlers',
    'order by key',
  ],
  omits: ['consume-batch'],
  share: 0.2,
  async open(url) {
    withoutNestLog();
    const { ClientRMQ, RmqRecord } = requirePeer<NestRabbitmq>('@nestjs/microservices');
    const queue = `nest-bench-${process.pid}-${(opened += 1)}`;
    const client = new ClientRMQ({ ...optionsOf(url, queue), persistent: true });
    await client.connect();
    const send = (body: Order): Promise<void> => emitted(client.emit(pattern, new RmqRecord(body, metadata())));
    const session: Session = {
      sends: sendsBy(send),
      consumes: { consume: (onMessage) => consume(url, queue, onMessage) },
      send,
      held: () => inspectQueue(url, queue, 'count'),
      async close() {
        await inspectQueue(url, queue, 'delete');
        await client.close();
      },
    };
    return session;
  },
};

function optionsOf(url: string, queue: string): object {
  return {
    urls: [url],
    queue,
    queueOptions: { durable: true, arguments: queueArguments },
    socketOptions: { connectionOptions: { noDelay: true } },
  };
}

async function consume(url: string, queue: string, onMessage: OnMessage): Promise<Consuming> {
  const { ServerRMQ } = requirePeer<NestRabbitmq>('@nestjs/microservices');
  const server = new ServerRMQ({ ...optionsOf(url, queue), noAck: false, prefetchCount });
  const underway = new Underway();
  let channel: Channel | undefined;
  const handler = async (body: Order, context: RmqContext): Promise<void> => {
    await onMessage(body);
    channel = context.getChannelRef();
    channel.ack(context.getMessage());
  };
  server.addHandler(pattern, (body, context) => underway.run(() => handler(body, context)), true);
  await serve(server);
  // Each message is acknowledged by a frame of its own. The broker takes such to the queue a few at a time, and forgets
  // those that wait when their channel closes: a round trip for every few.
  const flush = async (): Promise<void> => {
    for (let trips = 0; trips < prefetchCount / 10; trips += 1) await channel?.checkQueue(queue);
  };
  let stopping: Promise<void> | undefined;
  return {
    async settled() {
      await underway.none();
      // An answer on the same channel says that the broker has read all that was written before.
      await channel?.checkQueue(queue);
    },
    stop: () => (stopping ??= flush().then(() => server.close())),
  };
}
