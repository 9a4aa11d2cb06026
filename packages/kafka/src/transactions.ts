import { type Clock, type Logger, settled } from '@anymq/core/driver';
import type { Link } from './client.ts';
import type { Committer } from './committer.ts';
import type { Delivery } from './delivery.ts';
import { classifyError, errorType, KafkaDriverError } from './errors.ts';
import type { Holdings } from './holdings.ts';
import type { CommittedOffset, TopicPartitions } from './protocol.ts';
import type { Share } from './share.ts';
import { TransactionalProducer } from './transactional-producer.ts';
import { roundsOf, type Write } from './writer.ts';

export interface TransactionsContext {
  readonly link: Link;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly groupId: string;
  readonly committer: Committer;
  readonly holdings: Pick<Holdings, 'shareOf' | 'readAgain' | 'forget' | 'onSettled'>;
}

interface Request {
  readonly deliveries: readonly Delivery[];
  readonly writes: readonly Write[];
  readonly done: PromiseWithResolvers<void>;
}

const unclear =
  'The transaction was fenced, or its end is not known: its messages come again, unless it was committed.';

/**
 * Writes, and the offsets of what they answer, in one transaction of Kafka. Of each partition that we hold one at a time, for
 * everything that came meanwhile, and no other commit beside it: the broker would take the later one of the two alone.
 */
export class Transactions {
  readonly #context: TransactionsContext;
  readonly #producers = new WeakMap<Share, TransactionalProducer>();
  /** After an abort the broker may have other sequence numbers than we. */
  readonly #worn = new WeakSet<Share>();
  #pending: Request[] = [];
  #isAsked = false;

  constructor(context: TransactionsContext) {
    this.#context = context;
  }

  /** Before it is asked where the owner before us stood: from here on that one commits nothing. */
  async open(shares: readonly Share[]): Promise<void> {
    await Promise.all(shares.map((share) => this.#open(share)));
  }

  async #open(share: Share): Promise<void> {
    const { link, clock, groupId } = this.#context;
    const transactionalId = `${groupId}-${share.partition}`;
    this.#producers.set(share, await TransactionalProducer.open({ link, clock, transactionalId }));
  }

  /** Of one partition. Rejects: nothing happened, or it classifies as FENCED. */
  async run(deliveries: readonly Delivery[], writes: readonly Write[]): Promise<void> {
    const done = Promise.withResolvers<void>();
    this.#pending.push({ deliveries, writes, done });
    if (!this.#isAsked) {
      this.#isAsked = true;
      void this.#context.committer.exclusively(() => this.#flush());
    }
    await done.promise;
  }

  async #flush(): Promise<void> {
    this.#isAsked = false;
    const requests = this.#pending.splice(0);
    const byPartition = Map.groupBy(requests, ({ deliveries }) => deliveries[0]?.entry.log.partition ?? -1);
    await Promise.all([...byPartition].map(([partition, each]) => this.#runAll(partition, each)));
  }

  async #runAll(partition: number, requests: readonly Request[]): Promise<void> {
    const share = this.#context.holdings.shareOf(partition);
    const ours = requests.filter(({ deliveries }) => deliveries.every(({ entry }) => !entry.log.isLost));
    for (const { done } of requests.filter((each) => !ours.includes(each))) done.reject(fenced());
    if (ours.length === 0) return;
    const failure = share === undefined ? fenced() : await this.#tryCommit(share, ours);
    if (failure === undefined) for (const { done } of ours) done.resolve();
    // What one of them is refused for, the others do not answer for.
    else if (ours.length > 1 && !classifyError(failure).retryable && !isFenced(failure))
      for (const each of ours) await this.#runAll(partition, [each]);
    else for (const { done } of ours) done.reject(failure);
  }

  async #tryCommit(share: Share, requests: readonly Request[]): Promise<unknown> {
    const deliveries = requests.flatMap((request) => request.deliveries);
    let producer: TransactionalProducer;
    let topics: readonly TopicPartitions<CommittedOffset>[];
    try {
      producer = await this.#producerOf(share);
      for (const round of roundsOf(requests.flatMap(({ writes }) => writes))) await producer.write(round);
      topics = this.#offsetsOf(deliveries);
      await producer.commitOffsets(this.#context.groupId, topics);
    } catch (error) {
      return this.#abort(share, error);
    }
    try {
      await producer.end(true);
    } catch (error) {
      return this.#doubt(share, error);
    }
    this.#onCommitted(share, deliveries, topics);
    return undefined;
  }

  /** After an abort a new epoch, which counts only while the group takes us for the owner. */
  async #producerOf(share: Share): Promise<TransactionalProducer> {
    if (this.#worn.has(share)) {
      await this.#open(share);
      await this.#context.committer.confirm([...share.logs.values()]);
      this.#worn.delete(share);
    }
    const producer = this.#producers.get(share);
    if (producer === undefined || [...share.logs.values()].some(({ isLost }) => isLost)) throw fenced();
    return producer;
  }

  async #abort(share: Share, error: unknown): Promise<unknown> {
    if (isFenced(error)) return this.#doubt(share, error);
    try {
      await this.#producers.get(share)?.end(false);
    } catch (failure) {
      return this.#doubt(share, failure);
    }
    this.#worn.add(share);
    return error;
  }

  #doubt(share: Share, error: unknown): unknown {
    const { logger, groupId, holdings } = this.#context;
    const { partition } = share;
    logger.warn('A transaction was fenced, or its end is not known.', { groupId, partition, reason: errorType(error) });
    holdings.readAgain(share);
    return fenced();
  }

  #offsetsOf(deliveries: readonly Delivery[]): readonly TopicPartitions<CommittedOffset>[] {
    const byLog = Map.groupBy(deliveries, ({ entry }) => entry.log);
    return [...byLog].map(([log, each]) => ({
      topic: log.topic,
      partitions: [this.#context.committer.offsetOf(log, new Set(each.map(({ entry }) => entry.offset)))],
    }));
  }

  #onCommitted(
    share: Share,
    deliveries: readonly Delivery[],
    topics: readonly TopicPartitions<CommittedOffset>[],
  ): void {
    for (const { topic, partitions } of topics) {
      const log = share.logs.get(topic);
      if (log !== undefined) log.committedOffset = Number(partitions[0]?.offset ?? 0);
    }
    for (const delivery of deliveries) {
      delivery.isApplied = true;
      delivery.entry.log.settle(delivery.entry);
      delivery.result ??= settled;
      this.#context.holdings.forget(delivery);
    }
    this.#context.holdings.onSettled();
  }
}

function fenced(): Error {
  return new KafkaDriverError('FENCED', unclear);
}

function isFenced(error: unknown): boolean {
  return classifyError(error).code === 'FENCED';
}
