import { randomUUID } from 'node:crypto';
import {
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  DeleteQueueCommand,
  GetQueueAttributesCommand,
  type Message,
  type MessageAttributeValue,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import type { Consuming, Contender, OnMessage, Session } from '../compare/contender.ts';
import { inChunks } from '../compare/in-chunks.ts';
import { sendsBy } from '../compare/sends-by.ts';
import type { Order } from '../payload.ts';
import { clientVersion } from '../versions.ts';
import { countingClient } from './counting-client.ts';

const perBatch = 10;
const callsAtOnce = 10;
let opened = 0;

/**
 * What a careful person writes by hand: batches of ten, ten at once, to send, to receive and to delete. It does the product's
 * work: the same attributes, an id and the time in them, the body is JSON, what is read is decoded, and a message is deleted
 * after its handler. A handler that runs longer than the visibility timeout is run twice, and a failed entry is an error.
 */
export const rawSqs: Contender = {
  name: 'raw client-sqs',
  role: 'raw',
  version: () => clientVersion('@aws-sdk/client-sqs'),
  lacks: ['retry', 'dead letters', 'visibility renewal', 'sending failed entries again'],
  async open(url) {
    const { client, calls } = countingClient(url);
    const queue = await createQueue(client, `raw-bench-${process.pid}-${(opened += 1)}`);
    const send = async (body: Order): Promise<void> => {
      await client.send(new SendMessageCommand({ QueueUrl: queue, ...messageOf(body) }));
    };
    const session: Session = {
      sends: sendsBy(send, (bodies) =>
        inChunks(bodies, { size: perBatch, atOnce: callsAtOnce }, (some) => sendBatch(client, queue, some)),
      ),
      consumes: {
        consume: (onMessage) => consume(client, queue, onMessage),
        'consume-batch': (onMessage) => consume(client, queue, onMessage),
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

export async function createQueue(client: SQSClient, name: string): Promise<string> {
  const { QueueUrl = '' } = await client.send(new CreateQueueCommand({ QueueName: name }));
  return QueueUrl;
}

/** Waiting, or received and not yet deleted. */
export async function heldIn(client: SQSClient, queue: string): Promise<number> {
  const names = ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'] as const;
  const { Attributes = {} } = await client.send(
    new GetQueueAttributesCommand({ QueueUrl: queue, AttributeNames: [...names] }),
  );
  return names.reduce((sum, name) => sum + Number(Attributes[name] ?? 0), 0);
}

export function messageOf(body: Order): {
  readonly MessageBody: string;
  readonly MessageAttributes: Record<string, MessageAttributeValue>;
} {
  const rest = JSON.stringify({ ce_time: new Date().toISOString(), 'anymq-version': '1' });
  return {
    MessageBody: JSON.stringify(body),
    MessageAttributes: {
      ce_specversion: text('1.0'),
      ce_id: text(randomUUID()),
      ce_source: text('/bench-raw01'),
      ce_type: text('bench'),
      'content-type': text('application/json'),
      anymq: text(rest),
    },
  };
}

function text(value: string): MessageAttributeValue {
  return { DataType: 'String', StringValue: value };
}

async function sendBatch(client: SQSClient, queue: string, bodies: readonly Order[]): Promise<void> {
  const Entries = bodies.map((body, index) => ({ Id: String(index), ...messageOf(body) }));
  const { Failed = [] } = await client.send(new SendMessageBatchCommand({ QueueUrl: queue, Entries }));
  if (Failed.length > 0) throw new Error(`${Failed.length} messages were not sent.`);
}

/** So many loops of receive, handle, delete. */
async function consume(client: SQSClient, queue: string, onMessage: OnMessage): Promise<Consuming> {
  const stopped = new AbortController();
  const loop = async (): Promise<void> => {
    while (!stopped.signal.aborted) {
      const messages = await receive(client, queue, stopped.signal);
      if (messages.length === 0) continue;
      await Promise.all(messages.map((message) => onMessage(decode(message).body)));
      await remove(client, queue, messages);
    }
  };
  const looping = Promise.all(Array.from({ length: callsAtOnce }, loop));
  return {
    async settled() {
      while ((await heldIn(client, queue)) > 0);
    },
    async stop() {
      stopped.abort();
      await looping;
    },
  };
}

async function receive(client: SQSClient, queue: string, abortSignal: AbortSignal): Promise<readonly Message[]> {
  const options = {
    QueueUrl: queue,
    MaxNumberOfMessages: perBatch,
    WaitTimeSeconds: 20,
    MessageAttributeNames: ['All'],
  };
  try {
    return (await client.send(new ReceiveMessageCommand(options), { abortSignal })).Messages ?? [];
  } catch (error) {
    if (abortSignal.aborted) return [];
    throw error;
  }
}

async function remove(client: SQSClient, queue: string, messages: readonly Message[]): Promise<void> {
  const Entries = messages.map(({ ReceiptHandle = '' }, index) => ({ Id: String(index), ReceiptHandle }));
  const { Failed = [] } = await client.send(new DeleteMessageBatchCommand({ QueueUrl: queue, Entries }));
  if (Failed.length > 0) throw new Error(`${Failed.length} messages were not deleted.`);
}

/** The attributes as texts, and the body: what a handler is given. */
function decode({ Body = '', MessageAttributes = {} }: Message): {
  readonly attributes: Record<string, string>;
  readonly body: Order;
} {
  const attributes: Record<string, string> = {};
  for (const name of Object.keys(MessageAttributes)) attributes[name] = MessageAttributes[name]?.StringValue ?? '';
  return {
    attributes: { ...attributes, ...(JSON.parse(attributes['anymq'] ?? '{}') as object) },
    body: JSON.parse(Body) as Order,
  };
}
