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

/** A record as it is read; by ourselves with `fields`, by the client with `headers`. */
export interface FetchedRecord {
  readonly offset: string | number;
  readonly timestamp: string | number;
  /** Name, value, name, value …; a value that is no text is bytes. */
  readonly fields?: readonly unknown[];
  readonly byteLength?: number;
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
  createPartitions(request: {
    readonly topicPartitions: readonly { readonly topic: string; readonly count: number }[];
    readonly timeout: number;
  }): Promise<unknown>;
  deleteTopics(request: { readonly topics: readonly string[]; readonly timeout: number }): Promise<unknown>;
  deleteRecords(request: {
    readonly topics: readonly TopicPartitions<{ readonly partition: number; readonly offset: string }>[];
  }): Promise<unknown>;
  initProducerId(request: {
    readonly transactionalId: string;
    readonly transactionTimeout: number;
  }): Promise<{ readonly producerId: string; readonly producerEpoch: number }>;
  addPartitionsToTxn(
    request: Transactional & { readonly topics: readonly TopicPartitions<number>[] },
  ): Promise<unknown>;
  addOffsetsToTxn(request: Transactional & { readonly groupId: string }): Promise<unknown>;
  txnOffsetCommit(
    request: Transactional & { readonly groupId: string; readonly topics: readonly TopicPartitions<CommittedOffset>[] },
  ): Promise<unknown>;
  endTxn(request: Transactional & { readonly transactionResult: boolean }): Promise<unknown>;
  produce(
    request: Transactional & {
      readonly acks: -1;
      readonly timeout: number;
      readonly topicData: readonly TopicPartitions<{
        readonly partition: number;
        readonly firstSequence: number;
        readonly messages: readonly KafkaRecord[];
      }>[];
    },
  ): Promise<unknown>;
  describeConfigs(request: {
    readonly resources: readonly { readonly type: 2; readonly name: string; readonly configNames: readonly string[] }[];
  }): Promise<{
    readonly resources: readonly {
      readonly resourceName: string;
      readonly configEntries: readonly { readonly configName: string; readonly configValue: string }[];
    }[];
  }>;
}

/** Of every request of a transaction: a producer with an older epoch is refused. */
export interface Transactional {
  readonly transactionalId: string;
  readonly producerId: string;
  readonly producerEpoch: number;
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
  /** Of a group; with type 1, of a transactional id. */
  findGroupCoordinator(options: { readonly groupId: string; readonly coordinatorType?: 0 | 1 }): Promise<Broker>;
  getNodeIds(): readonly string[];
  removeBroker(address: { readonly host: string; readonly port: number }): void;
}
