import type { Logger } from '@anymq/core/driver';

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

/** A record as it is written. */
export interface KafkaRecord {
  readonly partition: number;
  readonly key: string | Buffer | null;
  readonly value: Buffer;
  readonly headers: Readonly<Record<string, string | Buffer>>;
  /** Milliseconds since 1970, in digits. */
  readonly timestamp: string;
}

export interface ProducedPartition {
  readonly topicName: string;
  readonly partition: number;
  readonly baseOffset?: string;
}

/** A record as it is read. */
export interface FetchedRecord {
  readonly offset: string;
  readonly timestamp: string;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers?: Readonly<Record<string, Buffer | readonly Buffer[] | undefined>>;
  readonly isControlRecord?: boolean;
  readonly batchContext?: { readonly producerId: string; readonly inTransaction: boolean };
}

export interface FetchedPartition {
  readonly partition: number;
  readonly errorCode: number;
  readonly highWatermark: string;
  readonly lastStableOffset?: string;
  readonly abortedTransactions?: readonly { readonly producerId: string; readonly firstOffset: string }[] | null;
  readonly messages: readonly FetchedRecord[];
}

export interface TopicPartitions<P> {
  readonly topic: string;
  readonly partitions: readonly P[];
}

/** One broker of the cluster, connected. Each call is one request of Kafka's protocol; an error code of the answer rejects. */
export interface Broker {
  fetch(request: {
    readonly isolationLevel: 1;
    readonly maxWaitTime: number;
    readonly minBytes: number;
    readonly maxBytes: number;
    readonly topics: readonly TopicPartitions<{
      readonly partition: number;
      readonly fetchOffset: string;
      readonly maxBytes: number;
    }>[];
  }): Promise<{
    readonly responses: readonly { readonly topicName: string; readonly partitions: readonly FetchedPartition[] }[];
  }>;
  apiVersions(): Promise<unknown>;
  /** Of all topics, when none are named. */
  metadata(topics: readonly string[]): Promise<Metadata>;
  listOffsets(request: {
    readonly replicaId: -1;
    readonly isolationLevel: 1;
    readonly topics: readonly TopicPartitions<{ readonly partition: number; readonly timestamp: number }>[];
  }): Promise<{
    readonly responses: readonly TopicPartitions<{ readonly partition: number; readonly offset: string }>[];
  }>;
  joinGroup(request: {
    readonly groupId: string;
    readonly sessionTimeout: number;
    readonly rebalanceTimeout: number;
    readonly memberId: string;
    readonly groupProtocols: readonly { readonly name: string; readonly metadata: Buffer }[];
  }): Promise<JoinedGroup>;
  syncGroup(request: {
    readonly groupId: string;
    readonly generationId: number;
    readonly memberId: string;
    readonly groupAssignment: readonly { readonly memberId: string; readonly memberAssignment: Buffer }[];
  }): Promise<{ readonly memberAssignment: Buffer }>;
  heartbeat(request: {
    readonly groupId: string;
    readonly groupGenerationId: number;
    readonly memberId: string;
  }): Promise<unknown>;
  leaveGroup(request: { readonly groupId: string; readonly memberId: string }): Promise<unknown>;
  offsetCommit(request: {
    readonly groupId: string;
    readonly groupGenerationId: number;
    readonly memberId: string;
    readonly topics: readonly TopicPartitions<CommittedOffset>[];
  }): Promise<unknown>;
  offsetFetch(request: {
    readonly groupId: string;
    readonly topics: readonly TopicPartitions<{ readonly partition: number }>[];
  }): Promise<{ readonly responses: readonly TopicPartitions<CommittedOffset>[] }>;
  describeGroups(request: {
    readonly groupIds: readonly string[];
  }): Promise<{ readonly groups: readonly { readonly groupId: string; readonly state: string }[] }>;
  deleteGroups(groupIds: readonly string[]): Promise<unknown>;
  createTopics(request: { readonly topics: readonly NewTopic[]; readonly timeout: number }): Promise<unknown>;
  deleteTopics(request: { readonly topics: readonly string[]; readonly timeout: number }): Promise<unknown>;
  deleteRecords(request: {
    readonly topics: readonly TopicPartitions<{ readonly partition: number; readonly offset: string }>[];
  }): Promise<unknown>;
  describeConfigs(request: {
    readonly resources: readonly { readonly type: 2; readonly name: string; readonly configNames: readonly string[] }[];
  }): Promise<{
    readonly resources: readonly {
      readonly resourceName: string;
      readonly configEntries: readonly { readonly configName: string; readonly configValue: string }[];
    }[];
  }>;
}

export interface JoinedGroup {
  readonly generationId: number;
  readonly leaderId: string;
  readonly memberId: string;
  readonly members: readonly { readonly memberId: string; readonly memberMetadata: Buffer }[];
}

export interface CommittedOffset {
  readonly partition: number;
  readonly offset: string;
  readonly metadata: string | null;
}

export interface NewTopic {
  readonly topic: string;
  readonly numPartitions: number;
  readonly replicationFactor: number;
  readonly configEntries: readonly { readonly name: string; readonly value: string }[];
}

export interface Metadata {
  readonly topicMetadata: readonly {
    readonly topic: string;
    readonly partitionMetadata: readonly { readonly partitionId: number; readonly leader: number }[];
  }[];
}

/** The part of kafkajs that knows the brokers. It hands one to every partition assigner: that is where we get ours. */
export interface Cluster {
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  refreshMetadata(): Promise<void>;
  findBroker(options: { readonly nodeId: number }): Promise<Broker>;
  findControllerBroker(): Promise<Broker>;
  findGroupCoordinator(options: { readonly groupId: string }): Promise<Broker>;
  getNodeIds(): readonly string[];
  removeBroker(address: { readonly host: string; readonly port: number }): void;
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
