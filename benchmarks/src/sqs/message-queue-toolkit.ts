import { randomUUID } from 'node:crypto';
import { DeleteQueueCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { Consuming, Contender, OnMessage, Session } from '../compare/contender.ts';
import { inChunks } from '../compare/in-chunks.ts';
import { sendsBy } from '../compare/sends-by.ts';
import type { Order } from '../payload.ts';
import { peerVersion, requirePeer } from '../peers.ts';
import { countingClient } from './counting-client.ts';
import { createQueue, heldIn } from './raw.ts';

/** What is called of @message-queue-toolkit/sqs and its core. */
interface ToolkitSqs {
  readonly AbstractSqsPublisher: new (dependencies: object, options: object) => Publisher;
  readonly AbstractSqsConsumer: new (dependencies: object, options: object, context: object) => Consumer;
}
interface Publisher {
  init(): Promise<void>;
  publish(message: Envelope): Promise<void>;
  close(): Promise<void>;
}
interface Consumer {
  start(): Promise<void>;
  close(abort: boolean): Promise<void>;
}
interface ToolkitCore {
  readonly MessageHandlerConfigBuilder: new () => HandlerBuilder;
}
interface HandlerBuilder {
  addConfig(schema: object, handler: (message: Envelope) => Promise<{ readonly result: 'success' }>): HandlerBuilder;
  build(): readonly object[];
}
interface Zod {
  readonly z: {
    object(shape: object): object;
    string(): object;
    literal(text: string): object;
    looseObject(shape: object): object;
  };
}

/** What it needs of a message is in the body: its type, an id and a time. */
interface Envelope {
  readonly id: string;
  readonly type: 'bench';
  readonly timestamp: string;
  readonly order: Order;
}

const callsAtOnce = 10;
const messageTypeResolver = { messageTypePath: 'type' };
let opened = 0;

/**
 * As many consumers at once as the raw client has, and `batchSize` 10, as its documentation has it; the schema, which it
 * needs, looks at its own fields alone. Publishes one by one, as many calls at once as the raw client has.
 */
export const messageQueueToolkit: Contender = {
  name: 'message-queue-toolkit',
  role: 'peer',
  version: () => `${peerVersion('@message-queue-toolkit/sqs')} with core ${peerVersion('@message-queue-toolkit/core')}`,
  lacks: [
    'sending in batches (a call for each message)',
    'visibility renewal unless asked for',
    'dead letters with their reason',
    'rolling concurrency',
    'batch handlers',
  ],
  omits: ['consume-batch'],
  share: 0.5,
  async open(url) {
    const { client, calls } = countingClient(url);
    const queueUrl = await createQueue(client, `toolkit-bench-${process.pid}-${(opened += 1)}`);
    const publisher = await createPublisher(client, queueUrl);
    const send = (order: Order): Promise<void> => publisher.publish(envelopeOf(order));
    const session: Session = {
      sends: sendsBy(send, (bodies) =>
        inChunks(bodies, { size: 1, atOnce: callsAtOnce }, async ([body]) => {
          if (body !== undefined) await send(body);
        }),
      ),
      consumes: { consume: (onMessage) => consume(client, queueUrl, onMessage) },
      send,
      held: () => heldIn(client, queueUrl),
      calls,
      async close() {
        await publisher.close();
        await client.send(new DeleteQueueCommand({ QueueUrl: queueUrl }));
        client.destroy();
      },
    };
    return session;
  },
};

function envelopeOf(order: Order): Envelope {
  return { id: randomUUID(), type: 'bench', timestamp: new Date().toISOString(), order };
}

function schema(): object {
  const { z } = requirePeer<Zod>('zod');
  return z.object({
    id: z.string(),
    type: z.literal('bench'),
    timestamp: z.string(),
    order: z.looseObject({}),
  });
}

async function createPublisher(sqsClient: SQSClient, queueUrl: string): Promise<Publisher> {
  const { AbstractSqsPublisher } = requirePeer<ToolkitSqs>('@message-queue-toolkit/sqs');
  const options = { messageSchemas: [schema()], messageTypeResolver, locatorConfig: { queueUrl } };
  const publisher = new AbstractSqsPublisher(
    dependenciesOf(sqsClient, () => undefined),
    options,
  );
  await publisher.init();
  return publisher;
}

/** It tells errors to a reporter, and says nothing else. */
function dependenciesOf(sqsClient: SQSClient, report: (error: Error) => void): object {
  const silent = (): void => undefined;
  return {
    sqsClient,
    logger: { trace: silent, debug: silent, info: silent, warn: silent, error: silent, fatal: silent },
    errorReporter: { report: ({ error }: { readonly error: Error }) => report(error) },
    consumerErrorResolver: { processError: (error: unknown) => error },
    transactionObservabilityManager: { start: silent, stop: silent },
  };
}

async function consume(sqsClient: SQSClient, queueUrl: string, onMessage: OnMessage): Promise<Consuming> {
  const { AbstractSqsConsumer } = requirePeer<ToolkitSqs>('@message-queue-toolkit/sqs');
  const { MessageHandlerConfigBuilder } = requirePeer<ToolkitCore>('@message-queue-toolkit/core');
  const { promise: failed, reject } = Promise.withResolvers<never>();
  const handlers = new MessageHandlerConfigBuilder().addConfig(schema(), async ({ order }) => {
    await onMessage(order);
    return { result: 'success' };
  });
  const consumer = new AbstractSqsConsumer(
    dependenciesOf(sqsClient, reject),
    {
      messageTypeResolver,
      handlers: handlers.build(),
      locatorConfig: { queueUrl },
      concurrentConsumersAmount: callsAtOnce,
      consumerOverrides: { batchSize: 10 },
    },
    {},
  );
  await consumer.start();
  const drained = async (): Promise<void> => {
    while ((await heldIn(sqsClient, queueUrl)) > 0);
  };
  let stopping: Promise<void> | undefined;
  return { settled: () => Promise.race([drained(), failed]), stop: () => (stopping ??= consumer.close(true)) };
}
