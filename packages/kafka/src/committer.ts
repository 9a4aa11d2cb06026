import { type Clock, type Logger, sleep } from '@anymq/core/driver';
import type { Link } from './client.ts';
import type { Broker, CommittedOffset } from './protocol.ts';
import { leadersOf } from './cluster-calls.ts';
import { errorType, KafkaDriverError } from './errors.ts';
import type { Membership } from './membership.ts';
import type { Entry, PartitionLog } from './partition-log.ts';
import { encodeProgress, maxNoteBytes, minNoteBytes } from './progress.ts';

export interface CommitterContext {
  readonly link: Link;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly groupId: string;
  readonly membership: Pick<Membership, 'identity' | 'evict'>;
  /** These are not there any more. */
  readonly onMissing: (topics: readonly string[]) => void;
}

/** The group is between two generations, or its coordinator moves: it will take the commit a little later. */
const rebalancing: ReadonlySet<string | undefined> = new Set(['ILLEGAL_GENERATION', 'REBALANCE_IN_PROGRESS']);
const rebalancingMs = 20;
const troubleMs = 100;
const nothing: ReadonlySet<number> = new Set();

/**
 * Writes down how far the partitions are. One request at a time, for all that changed meanwhile; it is repeated until the
 * broker has it, or until the partitions are no longer ours.
 */
export class Committer {
  readonly #context: CommitterContext;
  readonly #dirty = new Set<PartitionLog>();
  /** Partitions that are handed over: nothing of theirs is suspect any more. */
  readonly #leaving = new WeakSet<PartitionLog>();
  #coordinator: Broker | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #next: Promise<void> | undefined;
  #noteBytes = maxNoteBytes;
  readonly #closing = new AbortController();

  constructor(context: CommitterContext) {
    this.#context = context;
  }

  /** Durable when it resolves, or no longer ours. */
  commit(logs: Iterable<PartitionLog>): Promise<void> {
    for (const log of logs) this.#dirty.add(log);
    this.#next ??= this.exclusively(() => {
      this.#next = undefined;
      const dirty = [...this.#dirty];
      this.#dirty.clear();
      return this.confirm(dirty);
    });
    return this.#next;
  }

  /** Nothing is committed beside it. */
  exclusively(work: () => Promise<void>): Promise<void> {
    const result = this.#last.then(work);
    // Those who asked for it are told.
    this.#last = result.catch(() => undefined);
    return result;
  }

  /** The last word on these. */
  commitFarewell(logs: readonly PartitionLog[]): Promise<void> {
    for (const log of logs) this.#leaving.add(log);
    return this.commit(logs);
  }

  /** As `commitFarewell`, when nobody can wait for longer. Never rejects. */
  async sayFarewell(logs: readonly PartitionLog[], maxMs: number): Promise<void> {
    const { clock, logger } = this.#context;
    const done = new AbortController();
    const committed = this.commitFarewell(logs).catch((error: unknown) => {
      logger.warn('What was settled last could not be committed.', { reason: (error as Error).name });
    });
    await Promise.race([committed, sleep(clock, maxMs, done.signal)]);
    done.abort();
  }

  /** Lets a successor know how far messages are handed out; undefined: it does already. */
  reserve(taken: readonly Entry[]): Promise<void> | undefined {
    const logs = new Set<PartitionLog>();
    for (const { log, offset } of taken) {
      if (offset < log.reservedTo) continue;
      log.reservedTo = Math.min(log.position, offset + 1 + log.outCount);
      logs.add(log);
    }
    return logs.size === 0 ? undefined : this.commit(logs);
  }

  /** They stay after all. */
  stay(logs: Iterable<PartitionLog>): void {
    for (const log of logs) {
      this.#leaving.delete(log);
      log.reservedTo = log.watermark;
    }
  }

  /** What is not written yet is given up. */
  close(): void {
    this.#closing.abort();
  }

  /** As `commit`, from within `exclusively`. */
  async confirm(logs: readonly PartitionLog[]): Promise<void> {
    for (;;) {
      const ours = logs.filter((log) => !log.isLost);
      if (ours.length === 0) return;
      if (this.#closing.signal.aborted) throw new KafkaDriverError('CLOSED', 'The receiver is closed.');
      try {
        await this.#send(ours);
        return;
      } catch (error) {
        await this.#onFailure(error, ours);
      }
    }
  }

  async #send(logs: readonly PartitionLog[]): Promise<void> {
    const { link, groupId, membership } = this.#context;
    const { memberId, generation } = membership.identity;
    if (memberId === '') throw notAMember();
    this.#coordinator ??= await link.cluster.findGroupCoordinator({ groupId });
    const byTopic = Map.groupBy(logs, ({ topic }) => topic);
    const topics = [...byTopic].map(([topic, each]) => ({ topic, partitions: each.map((log) => this.offsetOf(log)) }));
    await this.#coordinator.offsetCommit({ groupId, memberId, groupGenerationId: generation, topics });
    for (const { topic, partitions } of topics) {
      for (const { partition, offset } of partitions) {
        const log = byTopic.get(topic)?.find((each) => each.partition === partition);
        if (log !== undefined) log.committedOffset = Number(offset);
      }
    }
  }

  /** As if what is at these offsets were settled too. */
  offsetOf(log: PartitionLog, settled: ReadonlySet<number> = nothing): CommittedOffset {
    const { partition } = log;
    const watermark = log.watermarkWith(settled);
    const progress = this.#leaving.has(log) ? log.farewell() : log.progress(settled);
    return { partition, offset: String(watermark), metadata: encodeProgress(watermark, progress, this.#noteBytes) };
  }

  /** Rejects with what no repetition mends. */
  async #onFailure(error: unknown, logs: readonly PartitionLog[]): Promise<void> {
    const { clock, membership } = this.#context;
    const type = errorType(error);
    const { signal } = this.#closing;
    if (rebalancing.has(type)) return sleep(clock, rebalancingMs, signal);
    if (type === 'UNKNOWN_MEMBER_ID' || type === 'FENCED_INSTANCE_ID') return membership.evict();
    if (type?.endsWith('AUTHORIZATION_FAILED') === true) throw error;
    if (type === 'UNKNOWN_TOPIC_OR_PARTITION') return this.#tellMissing(logs);
    if (type !== 'OFFSET_METADATA_TOO_LARGE') this.#coordinator = undefined;
    await sleep(clock, troubleMs, signal);
    if (type === 'OFFSET_METADATA_TOO_LARGE') this.#shorten(error);
    return undefined;
  }

  /** The broker takes less than it does by default. */
  #shorten(error: unknown): void {
    if (this.#noteBytes === minNoteBytes) throw error;
    this.#noteBytes = Math.max(minNoteBytes, Math.floor(this.#noteBytes / 2));
  }

  /** Which of them it lacks, the answer to a commit does not say. */
  async #tellMissing(logs: readonly PartitionLog[]): Promise<void> {
    const { link, clock, onMissing } = this.#context;
    this.#coordinator = undefined;
    await sleep(clock, troubleMs, this.#closing.signal);
    try {
      for (const [topic, each] of Map.groupBy(logs, (log) => log.topic)) {
        const leaders = await leadersOf(link, topic, clock);
        if (each.some(({ partition }) => leaders?.has(partition) !== true)) onMissing([topic]);
      }
    } catch (failure) {
      await this.#onFailure(failure, logs);
    }
  }
}

/** While we are nobody; the answer that the broker would give. */
function notAMember(): Error {
  return Object.assign(new Error('This consumer is not a member of its group at the moment.'), {
    type: 'REBALANCE_IN_PROGRESS',
  });
}
