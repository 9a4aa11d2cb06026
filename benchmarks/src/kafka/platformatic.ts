import type { Consuming, Contender, OnMessage, Session } from '../compare/contender.ts';
import { inChunks } from '../compare/in-chunks.ts';
import { metadata } from '../compare/metadata.ts';
import { sendsBy } from '../compare/sends-by.ts';
import type { Order } from '../payload.ts';
import { peerVersion, requirePeer } from '../peers.ts';
import { backlogOf } from './backlog.ts';
import { makeTopic } from './make-topic.ts';
import { kafkaClient, partitions } from './raw.ts';

/** What is called of @platformatic/kafka. */
interface PlatformaticKafka {
  readonly Producer: new (options: object) => Producer;
  readonly Consumer: new (options: object) => Consumer;
  readonly stringSerializers: object;
  readonly stringDeserializers: object;
}
interface Producer {
  send(options: { readonly acks: -1; readonly messages: readonly object[] }): Promise<unknown>;
  close(): Promise<void>;
}
interface Consumer {
  consume(options: object): Promise<Stream>;
  close(force: boolean): Promise<void>;
}
interface Stream {
  on(event: 'data', listener: (message: Message) => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
}
interface Message {
  readonly value: string;
}

const perBatch = 500;
const autocommitMs = 100;
let opened = 0;

/** Batches, and its stream with the handlers run as the messages come: offsets are committed on time, handled or not. */
export const platformaticKafka: Contender = {
  name: '@platformatic/kafka',
  role: 'peer',
  version: () => peerVersion('@platformatic/kafka'),
  lacks: ['retry', 'dead letters', 'commits that wait for the handler', 'back-pressure of handlers'],
  omits: ['consume-batch'],
  async open(url) {
    const { Producer, stringSerializers } = requirePeer<PlatformaticKafka>('@platformatic/kafka');
    const topic = `platformatic-bench-${process.pid}-${(opened += 1)}`;
    const admin = kafkaClient(url).admin();
    await admin.connect();
    await makeTopic(admin, topic, partitions);
    const bootstrapBrokers = new URL(url).host.split(',');
    const producer = new Producer({ clientId: 'bench', bootstrapBrokers, serializers: stringSerializers });
    let batch = 0;
    const sendBatch = async (bodies: readonly Order[]): Promise<void> => {
      const partition = (batch += 1) % partitions;
      const messages = bodies.map((body) => ({
        topic,
        partition,
        value: JSON.stringify(body),
        headers: metadata(),
      }));
      await producer.send({ acks: -1, messages });
    };
    const send = (body: Order): Promise<void> => sendBatch([body]);
    const session: Session = {
      sends: sendsBy(send, (bodies) => inChunks(bodies, { size: perBatch, atOnce: 4 }, sendBatch)),
      consumes: {
        consume: (onMessage) => consume({ bootstrapBrokers, topic, held }, onMessage),
      },
      send,
      held: () => held(),
      async close() {
        await producer.close();
        await admin.deleteTopics({ topics: [topic] });
        await admin.disconnect();
      },
    };
    const held = (): Promise<number> => backlogOf(admin, topic, topic);
    return session;
  },
};

interface Place {
  readonly bootstrapBrokers: readonly string[];
  readonly topic: string;
  readonly held: () => Promise<number>;
}

async function consume({ bootstrapBrokers, topic, held }: Place, onMessage: OnMessage): Promise<Consuming> {
  const { Consumer, stringDeserializers } = requirePeer<PlatformaticKafka>('@platformatic/kafka');
  const consumer = new Consumer({
    clientId: 'bench',
    groupId: topic,
    bootstrapBrokers,
    deserializers: stringDeserializers,
  });
  const stream = await consumer.consume({
    topics: [topic],
    autocommit: autocommitMs,
    mode: 'earliest',
    maxWaitTime: 100,
  });
  const failed = Promise.withResolvers<never>();
  stream.on('error', failed.reject);
  stream.on('data', ({ value }) => {
    onMessage(JSON.parse(value) as Order).catch(failed.reject);
  });
  let stopping: Promise<void> | undefined;
  const drained = async (): Promise<void> => {
    while ((await held()) > 0);
  };
  return {
    settled: () => Promise.race([drained(), failed.promise]),
    stop: () => (stopping ??= consumer.close(true)),
  };
}
