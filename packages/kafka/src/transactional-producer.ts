import { type Clock, sleep } from '@anymq/core/driver';
import type { Link } from './client.ts';
import { leadersOf } from './cluster-calls.ts';
import { errorType, KafkaDriverError } from './errors.ts';
import type { Broker, CommittedOffset, TopicPartitions } from './protocol.ts';
import type { Write } from './writer.ts';

export interface TransactionalProducerContext {
  readonly link: Link;
  readonly clock: Clock;
  /** Of everybody who ever owns the same partition: whoever begins with it fences the one before. */
  readonly transactionalId: string;
}

interface Session {
  readonly producerId: string;
  readonly producerEpoch: number;
}

/** How long the broker keeps a transaction that nobody ends; readers of its topics wait for it. */
const transactionTimeout = 20_000;
const produceTimeoutMs = 10_000;
/** Longer than a transaction may take, so that its end is not given up before the broker has ended it. */
const patienceMs = 15_000;
const shortMs = 5;
const troubleMs = 100;

/** Of coordinators that move, or that still end the transaction before; of leaders that move. Nothing was done. */
const passing: ReadonlySet<string | undefined> = new Set([
  'CONCURRENT_TRANSACTIONS',
  'GROUP_LOAD_IN_PROGRESS',
  'GROUP_COORDINATOR_NOT_AVAILABLE',
  'NOT_COORDINATOR_FOR_GROUP',
  'NOT_LEADER_FOR_PARTITION',
  'LEADER_NOT_AVAILABLE',
]);

/**
 * The transactions of one partition's owner, one after the other, by Kafka's own requests: offsets are committed with their
 * notes. Every request may be repeated, for the broker knows it again by epoch and sequence.
 */
export class TransactionalProducer {
  readonly #context: TransactionalProducerContext;
  readonly #session: Session;
  readonly #sequences = new Map<string, number>();
  readonly #brokers = new Map<string, Broker>();
  #leaders = new Map<string, ReadonlyMap<number, number>>();
  #hasBegun = false;

  private constructor(context: TransactionalProducerContext, session: Session) {
    this.#context = context;
    this.#session = session;
  }

  /** Fences an earlier owner; when it resolves, the transaction that it left is committed or aborted. */
  static async open(context: TransactionalProducerContext): Promise<TransactionalProducer> {
    const { transactionalId } = context;
    const nobody = new TransactionalProducer(context, { producerId: '-1', producerEpoch: -1 });
    const session = await nobody.#ask('transactions', (broker) =>
      broker.initProducerId({ transactionalId, transactionTimeout }),
    );
    return new TransactionalProducer(context, session);
  }

  /** Of one request: at most one batch of each partition. */
  async write(round: readonly Write[]): Promise<void> {
    const byTopic = [...Map.groupBy(round, ({ topic }) => topic)].map(([topic, writes]) => ({
      topic,
      partitions: [...Map.groupBy(writes, ({ record }) => record.partition)].map(([partition, each]) => ({
        partition,
        firstSequence: this.#sequences.get(`${topic}/${partition}`) ?? 0,
        messages: each.map(({ record }) => record),
      })),
    }));
    const named = byTopic.map(({ topic, partitions }) => ({
      topic,
      partitions: partitions.map((each) => each.partition),
    }));
    await this.#ask('transactions', (broker) => broker.addPartitionsToTxn({ ...this.#identity(), topics: named }));
    this.#hasBegun = true;
    for (const one of byTopic.flatMap(({ topic, partitions }) => partitions.map((each) => ({ topic, ...each })))) {
      const { topic, partition, firstSequence, messages } = one;
      const topicData = [{ topic, partitions: [{ partition, firstSequence, messages }] }];
      const request = { ...this.#identity(), acks: -1, timeout: produceTimeoutMs, topicData } as const;
      await this.#ask({ topic, partition }, (broker) => broker.produce(request));
      this.#sequences.set(`${topic}/${partition}`, firstSequence + messages.length);
    }
  }

  async commitOffsets(groupId: string, topics: readonly TopicPartitions<CommittedOffset>[]): Promise<void> {
    await this.#ask('transactions', (broker) => broker.addOffsetsToTxn({ ...this.#identity(), groupId }));
    this.#hasBegun = true;
    await this.#ask({ groupId }, (broker) => broker.txnOffsetCommit({ ...this.#identity(), groupId, topics }));
  }

  async end(transactionResult: boolean): Promise<void> {
    if (!this.#hasBegun) return;
    await this.#ask('transactions', (broker) => broker.endTxn({ ...this.#identity(), transactionResult }));
    this.#hasBegun = false;
  }

  #identity(): Session & { readonly transactionalId: string } {
    return { transactionalId: this.#context.transactionalId, ...this.#session };
  }

  /** Until there is an answer, for as long as the broker would keep the transaction. */
  async #ask<T>(whom: Whom, request: (broker: Broker) => Promise<T>): Promise<T> {
    const { clock, link } = this.#context;
    const until = clock.now() + patienceMs;
    for (let tries = 1; ; tries++) {
      try {
        return await request(await this.#find(whom));
      } catch (error) {
        const type = errorType(error);
        const isAnswer = type !== undefined && !passing.has(type);
        if (isAnswer || error instanceof KafkaDriverError || link.closed || clock.now() >= until) throw error;
        if (type !== 'CONCURRENT_TRANSACTIONS') await this.#forget();
        await sleep(clock, type === undefined ? troubleMs : Math.min(troubleMs, shortMs * tries));
      }
    }
  }

  async #find(whom: Whom): Promise<Broker> {
    const { cluster } = this.#context.link;
    const { transactionalId } = this.#context;
    if (typeof whom === 'object' && 'topic' in whom)
      return cluster.findBroker({ nodeId: await this.#leaderOf(whom.topic, whom.partition) });
    const name = whom === 'transactions' ? whom : whom.groupId;
    const known = this.#brokers.get(name);
    if (known !== undefined) return known;
    const found = await cluster.findGroupCoordinator(
      whom === 'transactions' ? { groupId: transactionalId, coordinatorType: 1 } : whom,
    );
    this.#brokers.set(name, found);
    return found;
  }

  async #leaderOf(topic: string, partition: number): Promise<number> {
    const { link, clock } = this.#context;
    const leaders = this.#leaders.get(topic) ?? (await leadersOf(link, topic, clock));
    const leader = leaders?.get(partition);
    if (leaders === undefined || leader === undefined)
      throw new KafkaDriverError('NOT_FOUND', `${topic} has no partition ${partition}.`);
    this.#leaders.set(topic, leaders);
    return leader;
  }

  /** Coordinators and leaders may be others now. */
  async #forget(): Promise<void> {
    this.#brokers.clear();
    this.#leaders = new Map();
    // What does not answer now is asked again by the caller.
    await this.#context.link.cluster.refreshMetadata().catch(() => undefined);
  }
}

type Whom = 'transactions' | { readonly groupId: string } | { readonly topic: string; readonly partition: number };
