import { DeleteQueueCommand, type Message, type SQSClient } from '@aws-sdk/client-sqs';
import type { Consuming, Contender, OnMessage, Session } from '../compare/contender.ts';
import { inChunks } from '../compare/in-chunks.ts';
import { sendsBy } from '../compare/sends-by.ts';
import type { Order } from '../payload.ts';
import { peerVersion, requirePeer } from '../peers.ts';
import { countingClient } from './counting-client.ts';
import { createQueue, heldIn, messageOf } from './raw.ts';

/** What is called of sqs-producer and sqs-consumer. */
interface SqsProducer {
  readonly Producer: { create(options: object): { send(messages: readonly object[]): Promise<unknown> } };
}
interface SqsConsumer {
  readonly Consumer: { create(options: object): BbcConsumer };
}
interface BbcConsumer {
  on(event: 'error' | 'processing_error', listener: (error: Error) => void): unknown;
  once(event: 'stopped', listener: () => void): unknown;
  start(): void;
  stop(options: { readonly abort: boolean }): void;
}

const callsAtOnce = 10;
let opened = 0;

/** Batches of ten, and as many producers' calls and consumers at once as the raw client has. */
export const sqsConsumer: Contender = {
  name: 'sqs-consumer',
  role: 'peer',
  version: () => `${peerVersion('sqs-consumer')} with sqs-producer ${peerVersion('sqs-producer')}`,
  lacks: [
    'visibility renewal unless asked for',
    'dead letters with their reason',
    'rolling concurrency',
    'order by key',
  ],
  async open(url) {
    const { Producer } = requirePeer<SqsProducer>('sqs-producer');
    const { client, calls } = countingClient(url);
    const queue = await createQueue(client, `bbc-bench-${process.pid}-${(opened += 1)}`);
    const producer = Producer.create({ queueUrl: queue, sqs: client });
    const sendBatch = async (bodies: readonly Order[]): Promise<void> => {
      await producer.send(bodies.map(entryOf));
    };
    const send = (body: Order): Promise<void> => sendBatch([body]);
    const session: Session = {
      sends: sendsBy(send, (bodies) => inChunks(bodies, { size: 10, atOnce: callsAtOnce }, sendBatch)),
      consumes: {
        consume: (onMessage) =>
          consume(client, queue, {
            handleMessage: async (message: Message) => {
              await onMessage(bodyOf(message));
              return message;
            },
          }),
        'consume-batch': (onMessage) => consume(client, queue, { handleMessageBatch: batchHandler(onMessage) }),
      },
      send,
      held: () => heldIn(client, queue),
      calls,
      async close() {
        await client.send(new DeleteQueueCommand({ QueueUrl: queue }));
        client.destroy();
      },
    };
    return session;
  },
};

function entryOf(body: Order): object {
  const { MessageBody, MessageAttributes } = messageOf(body);
  const { ce_id: id } = MessageAttributes;
  return { id: id?.StringValue ?? '', body: MessageBody, messageAttributes: MessageAttributes };
}

function batchHandler(onMessage: OnMessage): (messages: readonly Message[]) => Promise<readonly Message[]> {
  return async (messages) => {
    await Promise.all(messages.map((message) => onMessage(bodyOf(message))));
    return messages;
  };
}

function bodyOf({ Body = '' }: Message): Order {
  return JSON.parse(Body) as Order;
}

async function consume(client: SQSClient, queue: string, handlers: object): Promise<Consuming> {
  const { Consumer } = requirePeer<SqsConsumer>('sqs-consumer');
  const failed = Promise.withResolvers<never>();
  const consumers = Array.from({ length: callsAtOnce }, () => {
    const options = { queueUrl: queue, sqs: client, batchSize: 10, messageAttributeNames: ['All'], ...handlers };
    const consumer = Consumer.create(options);
    consumer.on('error', failed.reject);
    consumer.on('processing_error', failed.reject);
    consumer.start();
    return consumer;
  });
  const drained = async (): Promise<void> => {
    while ((await heldIn(client, queue)) > 0);
  };
  let stopping: Promise<void> | undefined;
  const stopAll = async (): Promise<void> => {
    await Promise.all(consumers.map(stop));
  };
  return { settled: () => Promise.race([drained(), failed.promise]), stop: () => (stopping ??= stopAll()) };
}

/** A poll that waits is aborted: there is nothing left to delete. */
function stop(consumer: BbcConsumer): Promise<void> {
  return new Promise((resolve) => {
    consumer.once('stopped', resolve);
    consumer.stop({ abort: true });
  });
}
