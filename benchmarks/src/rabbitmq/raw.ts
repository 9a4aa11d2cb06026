import { type ChannelModel, type ConfirmChannel, type ConsumeMessage, connect } from 'amqplib';
import type { Consuming, Contender, OnMessage, Session } from '../compare/contender.ts';
import { inChunks } from '../compare/in-chunks.ts';
import { sendsBy } from '../compare/sends-by.ts';
import type { Order } from '../payload.ts';
import { clientVersion } from '../versions.ts';
import { metadata } from './metadata.ts';
import { storedMessage } from './stored-message.ts';

/** Messages that wait for one promise; two such windows are on their way, so that the broker never waits for the next. */
const perWindow = 1000;
const prefetch = 1000;
/** As the product declares its queues. */
export const queueArguments = { 'x-queue-type': 'quorum' };
let opened = 0;

/**
 * What a careful person writes by hand, as fast as amqplib lets them. It does the product's work: the same headers and
 * properties, an id and the time in them, the body is JSON, messages are persistent and mandatory, a send is confirmed when
 * it counts, and messages are acknowledged after their handlers, many by one frame. It has no retry, no dead letters, and
 * does not notice when a connection, a channel or a consumer is gone.
 */
export const rawRabbitmq: Contender = {
  name: 'raw amqplib',
  role: 'raw',
  version: () => clientVersion('amqplib'),
  lacks: ['retry', 'dead letters', 'recovery', 'reading of returned messages'],
  async open(url) {
    const queue = `raw-bench-${process.pid}-${(opened += 1)}`;
    const connection = await connect(url, { noDelay: true });
    const channel = await connection.createConfirmChannel();
    await channel.assertQueue(queue, { durable: true, arguments: queueArguments });
    const send = (body: Order): Promise<void> => publish(channel, queue, body);
    const session: Session = {
      sends: sendsBy(send, (bodies) =>
        inChunks(bodies, { size: perWindow, atOnce: 2 }, (some) => publishAll(channel, queue, some)),
      ),
      consumes: {
        consume: (onMessage) => consume(url, queue, onMessage),
        'consume-batch': (onMessage) => consume(url, queue, onMessage),
      },
      send,
      async held() {
        return (await channel.checkQueue(queue)).messageCount;
      },
      stored: () => storedMessage(url, queue),
      async close() {
        await channel.deleteQueue(queue);
        await connection.close();
      },
    };
    return session;
  },
};

function publish(channel: ConfirmChannel, queue: string, body: Order): Promise<void> {
  return new Promise((resolve, reject) => {
    write(channel, queue, body, (error) => (error === null ? resolve() : reject(error)));
  });
}

function publishAll(channel: ConfirmChannel, queue: string, bodies: readonly Order[]): Promise<void> {
  return new Promise((resolve, reject) => {
    let open = bodies.length;
    for (const body of bodies) {
      write(channel, queue, body, (error) => {
        if (error !== null) reject(error);
        else if ((open -= 1) === 0) resolve();
      });
    }
  });
}

function write(channel: ConfirmChannel, queue: string, body: Order, confirmed: (error: unknown) => void): void {
  const options = { ...metadata(), persistent: true, mandatory: true };
  channel.publish('', queue, Buffer.from(JSON.stringify(body)), options, confirmed);
}

/** Handles what one turn of the event loop brought, and acknowledges it by one frame. */
async function consume(url: string, queue: string, onMessage: OnMessage): Promise<Consuming> {
  const connection: ChannelModel = await connect(url, { noDelay: true });
  const channel = await connection.createChannel();
  await channel.prefetch(prefetch);
  let arrived: ConsumeMessage[] = [];
  let ending: Promise<void> = Promise.resolve();
  const end = async (messages: readonly ConsumeMessage[], before: Promise<void>): Promise<void> => {
    await Promise.all(messages.map(({ content }) => onMessage(JSON.parse(content.toString()) as Order)));
    await before;
    channel.ack(messages.at(-1) as ConsumeMessage, true);
  };
  const flush = (): void => {
    const messages = arrived;
    arrived = [];
    ending = end(messages, ending);
  };
  await channel.consume(queue, (message) => {
    if (message === null) return;
    if (arrived.push(message) === 1) setImmediate(flush);
  });
  let stopping: Promise<void> | undefined;
  return {
    async settled() {
      await ending;
      // An answer on the same channel says that the broker has read all that was written before.
      await channel.checkQueue(queue);
    },
    stop: () => (stopping ??= connection.close()),
  };
}
