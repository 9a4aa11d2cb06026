import kafkajs, {
  type Batch,
  type Kafka as KafkaClient,
  type KafkaMessage,
  type Message,
  type Producer,
} from 'kafkajs';
import type { Consuming, Contender, OnMessage, Session } from '../compare/contender.ts';
import { inChunks } from '../compare/in-chunks.ts';
import { metadata } from '../compare/metadata.ts';
import { sendsBy } from '../compare/sends-by.ts';
import type { Order } from '../payload.ts';
import { clientVersion } from '../versions.ts';
import { backlogOf } from './backlog.ts';
import { makeTopic } from './make-topic.ts';

const { Kafka, logLevel, Partitioners } = kafkajs;

export const partitions = 4;
const perBatch = 500;
/** Requests on their way at once: one for each partition. */
const batchesAtOnce = 4;
let opened = 0;

/** Without the noise of kafkajs's own log. */
export function kafkaClient(url: string): KafkaClient {
  return new Kafka({ clientId: 'bench', brokers: new URL(url).host.split(','), logLevel: logLevel.NOTHING });
}

/**
 * What a careful person writes by hand, as fast as kafkajs lets them: batches of 500, each for one partition, four at once,
 * confirmed by all in-sync replicas; `eachBatch` on all partitions at once. It does the product's work: the same headers,
 * an id and the time in them, the body is JSON, what is read is decoded, headers and body, and offsets are committed after
 * the handlers. One message that fails holds up its partition for ever, and a slow one loses it.
 */
export const rawKafka: Contender = {
  name: 'raw kafkajs',
  role: 'raw',
  version: () => clientVersion('kafkajs'),
  lacks: ['idempotent producing', 'retry', 'dead letters', 'lanes inside a partition', 'heartbeats during handlers'],
  async open(url) {
    const topic = `raw-bench-${process.pid}-${(opened += 1)}`;
    const kafka = kafkaClient(url);
    const admin = kafka.admin();
    await admin.connect();
    await makeTopic(admin, topic, partitions);
    const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner });
    await producer.connect();
    const send = async (body: Order): Promise<void> => {
      await producer.send({ topic, acks: -1, messages: [messageOf(body)] });
    };
    let batch = 0;
    const sendBatch = (bodies: readonly Order[]): Promise<void> =>
      sendTo(producer, topic, (batch += 1) % partitions, bodies);
    const session: Session = {
      sends: sendsBy(send, (bodies) => inChunks(bodies, { size: perBatch, atOnce: batchesAtOnce }, sendBatch)),
      consumes: {
        consume: (onMessage) => consume(kafka, topic, onMessage),
        'consume-batch': (onMessage) => consume(kafka, topic, onMessage),
      },
      send,
      held: () => backlogOf(admin, topic, topic),
      async close() {
        await producer.disconnect();
        await admin.deleteTopics({ topics: [topic] });
        await admin.disconnect();
      },
    };
    return session;
  },
};

async function sendTo(producer: Producer, topic: string, partition: number, bodies: readonly Order[]): Promise<void> {
  const messages = bodies.map((body) => ({ ...messageOf(body), partition }));
  await producer.sendBatch({ acks: -1, topicMessages: [{ topic, messages }] });
}

function messageOf(body: Order): Message {
  return { value: JSON.stringify(body), headers: { ...metadata() } };
}

async function consume(kafka: KafkaClient, topic: string, onMessage: OnMessage): Promise<Consuming> {
  const consumer = kafka.consumer({ groupId: topic, maxWaitTimeInMs: 100 });
  await consumer.connect();
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  const handling = new Set<Promise<void>>();
  // kafkajs's own commit and a look at the backlog come up to half a second after the last message.
  const handle = async (batch: Batch): Promise<void> => {
    await Promise.all(batch.messages.map((message) => onMessage(decode(message).body)));
    const offset = String(BigInt(batch.lastOffset()) + 1n);
    await consumer.commitOffsets([{ topic, partition: batch.partition, offset }]);
  };
  await consumer.run({
    partitionsConsumedConcurrently: partitions,
    autoCommit: false,
    async eachBatch({ batch }) {
      const handled = handle(batch);
      handling.add(handled);
      await handled;
      handling.delete(handled);
    },
  });
  let stopping: Promise<void> | undefined;
  return {
    async settled() {
      await Promise.all(handling);
    },
    stop: () => (stopping ??= consumer.disconnect()),
  };
}

/** The headers as texts, and the body: what a handler is given. */
function decode({ headers = {}, value }: KafkaMessage): {
  readonly headers: Record<string, string>;
  readonly body: Order;
} {
  const texts: Record<string, string> = {};
  for (const name of Object.keys(headers)) texts[name] = String(headers[name]);
  return { headers: texts, body: JSON.parse(String(value)) as Order };
}
