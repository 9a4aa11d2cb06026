import type { Consuming, Contender, OnMessage, Session } from '../compare/contender.ts';
import { inChunks } from '../compare/in-chunks.ts';
import { metadata } from '../compare/metadata.ts';
import { sendsBy } from '../compare/sends-by.ts';
import { type Emitted, emitted, type NestServer, serve, withoutNestLog } from '../nest.ts';
import type { Order } from '../payload.ts';
import { peerVersion, requirePeer } from '../peers.ts';
import { backlogOf } from './backlog.ts';
import { makeTopic } from './make-topic.ts';
import { kafkaClient, partitions } from './raw.ts';

/** What is called of @nestjs/microservices. */
interface NestKafka {
  readonly ClientKafka: new (options: object) => {
    connect(): Promise<unknown>;
    emit(topic: string, message: object): Emitted;
    emitBatch(topic: string, batch: { readonly messages: readonly object[] }): Emitted;
    close(): Promise<void>;
  };
  readonly ServerKafka: new (options: object) => NestServer<never>;
}

const perBatch = 500;
let opened = 0;

/**
 * Its transport without the framework around it, on kafkajs: `emit` and `emitBatch`, confirmed by all in-sync replicas, four
 * batches at once, and events from all partitions at once, one of each at a time. It gets the same metadata.
 */
export const nestKafka: Contender = {
  name: 'nest Kafka transport',
  role: 'peer',
  version: () => peerVersion('@nestjs/microservices'),
  lacks: [
    'idempotent producing',
    'retry after a delay (a failed event holds up its partition)',
    'dead letters',
    'several messages of a partition at once',
    'batch handlers',
  ],
  omits: ['consume-batch'],
  share: 0.5,
  async open(url) {
    withoutNestLog();
    const { ClientKafka } = requirePeer<NestKafka>('@nestjs/microservices');
    const topic = `nest-bench-${process.pid}-${(opened += 1)}`;
    const admin = kafkaClient(url).admin();
    await admin.connect();
    await makeTopic(admin, topic, partitions);
    const client = new ClientKafka({ client: clientOf(url), producerOnlyMode: true, send: { acks: -1 } });
    await client.connect();
    const send = (body: Order): Promise<void> => emitted(client.emit(topic, messageOf(body)));
    const sendBatch = (bodies: readonly Order[]): Promise<void> =>
      emitted(client.emitBatch(topic, { messages: bodies.map(messageOf) }));
    const held = (): Promise<number> => backlogOf(admin, topic, topic);
    const session: Session = {
      sends: sendsBy(send, (bodies) => inChunks(bodies, { size: perBatch, atOnce: partitions }, sendBatch)),
      consumes: { consume: (onMessage) => consume({ url, topic, held }, onMessage) },
      send,
      held,
      async close() {
        await client.close();
        await admin.deleteTopics({ topics: [topic] });
        await admin.disconnect();
      },
    };
    return session;
  },
};

function clientOf(url: string): object {
  return { clientId: 'bench', brokers: new URL(url).host.split(',') };
}

/** Made for one call: its serializer writes into what it is given. */
function messageOf(body: Order): object {
  return { value: body, headers: { ...metadata() } };
}

interface Place {
  readonly url: string;
  readonly topic: string;
  readonly held: () => Promise<number>;
}

async function consume({ url, topic, held }: Place, onMessage: OnMessage): Promise<Consuming> {
  const { ServerKafka } = requirePeer<NestKafka>('@nestjs/microservices');
  const server = new ServerKafka({
    client: clientOf(url),
    postfixId: '',
    consumer: { groupId: topic, maxWaitTimeInMs: 100 },
    subscribe: { fromBeginning: true },
    run: { partitionsConsumedConcurrently: partitions },
  });
  server.addHandler(topic, onMessage, true);
  await serve(server);
  let stopping: Promise<void> | undefined;
  return {
    async settled() {
      while ((await held()) > 0);
    },
    stop: () => (stopping ??= server.close()),
  };
}
