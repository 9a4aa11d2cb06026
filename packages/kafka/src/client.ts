import type { Logger } from '@anymq/core/driver';
import type { Cluster, KafkaRecord, ProducedPartition } from './protocol.ts';

/** A client of kafkajs, as far as it is called. What is passed in is never connected itself: we make connections of our own from it. */
export interface KafkaClient {
  producer(options: object): KafkaProducer;
  consumer(options: object): unknown;
}

export interface KafkaProducer {
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  sendBatch(batch: {
    acks: -1;
    topicMessages: { topic: string; messages: KafkaRecord[] }[];
  }): Promise<readonly ProducedPartition[]>;
}

/** Makes clients; each may have sockets of its own. */
export interface ClientFactory {
  /** `onSocket` is told of every socket, where the client lets us. */
  create(onSocket: (socket: Destroyable) => void): KafkaClient;
}

export interface Destroyable {
  destroy(error?: Error): void;
  once(event: 'close', listener: () => void): unknown;
}

/** What a socket of ours is destroyed with: its requests reject with it. */
export const closedByUs: Error = new Error('The connection was closed by us.');

/** Requests are repeated by our own loops, which know when to stop. */
const retry = { retries: 1, initialRetryTime: 50, maxRetryTime: 200, factor: 0, multiplier: 1 };
const producerRetry = { retries: 3, initialRetryTime: 50, maxRetryTime: 1000, factor: 0.2, multiplier: 3 };

/** A set of connections to the cluster: one per broker, and a second one for its fetches. Opened once, closed once. */
export class Link {
  readonly cluster: Cluster;
  readonly #sockets = new Set<Destroyable>();
  #closed = false;

  private constructor(factory: ClientFactory, logger: Logger) {
    const client = factory.create((socket) => this.#note(socket));
    this.cluster = clusterOf(client, logger);
  }

  /** Rejects with what the network or the broker said. */
  static async open(factory: ClientFactory, logger: Logger): Promise<Link> {
    const link = new Link(factory, logger);
    try {
      await link.connect();
    } catch (error) {
      await link.close();
      throw error;
    }
    return link;
  }

  /** Again after all connections were lost. */
  async connect(): Promise<void> {
    await this.cluster.connect();
    await this.cluster.refreshMetadata();
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Requests that wait for an answer reject. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const socket of this.#sockets) socket.destroy(closedByUs);
    await this.cluster.disconnect();
  }

  #note(socket: Destroyable): void {
    if (this.#closed) socket.destroy(closedByUs);
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
  }
}

/** For a receiver's membership, and for everything else of it. */
export async function openLinks(factory: ClientFactory, logger: Logger): Promise<readonly [Link, Link]> {
  const opening = [Link.open(factory, logger), Link.open(factory, logger)] as const;
  try {
    return await Promise.all(opening);
  } catch (error) {
    for (const each of await Promise.allSettled(opening)) if (each.status === 'fulfilled') await each.value.close();
    throw error;
  }
}

function clusterOf(client: KafkaClient, logger: Logger): Cluster {
  let found: Cluster | undefined;
  client.consumer({
    groupId: 'anymq',
    allowAutoTopicCreation: false,
    retry,
    partitionAssigners: [
      ({ cluster }: { readonly cluster: Cluster }) => {
        found = cluster;
        return { name: 'anymq', version: 1, assign: async () => [], protocol: () => ({}) };
      },
    ],
  });
  if (found !== undefined) return found;
  logger.error('The Kafka client gave no cluster to its partition assigner.');
  throw new TypeError('client must be a client of kafkajs 2.');
}

/** A producer with a session of its own: its sequence numbers let the broker drop what it has already. */
export function createProducer(factory: ClientFactory, onSocket: (socket: Destroyable) => void): KafkaProducer {
  return factory.create(onSocket).producer({
    idempotent: true,
    maxInFlightRequests: 5,
    allowAutoTopicCreation: false,
    retry: producerRetry,
    createPartitioner:
      () =>
      ({ message }: { readonly message: { readonly partition: number } }) =>
        message.partition,
  });
}
