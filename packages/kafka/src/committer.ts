import { type Clock, sleep } from '@anymq/core/driver';
import type { Broker, CommittedOffset, Link } from './client.ts';
import { leadersOf } from './cluster-calls.ts';
import { errorType, KafkaDriverError } from './errors.ts';
import type { Membership } from './membership.ts';
import type { PartitionLog } from './partition-log.ts';
import { encodeProgress, maxNoteBytes, minNoteBytes } from './progress.ts';

export interface CommitterContext {
  readonly link: Link;
  readonly clock: Clock;
  readonly groupId: string;
  readonly membership: Pick<Membership, 'identity' | 'evict'>;
  /** These are not there any more. */
  readonly onMissing: (topics: readonly string[]) => void;
}

/** The group is between two generations, or its coordinator moves: it will take the commit a little later. */
const rebalancing: ReadonlySet<string | undefined> = new Set(['ILLEGAL_GENERATION', 'REBALANCE_IN_PROGRESS']);
const rebalancingMs = 20;
const troubleMs = 100;

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
  #flight: Promise<void> = Promise.resolve();
  #next: Promise<void> | undefined;
  #noteBytes = maxNoteBytes;
  readonly #closing = new AbortController();

  constructor(context: CommitterContext) {
    this.#context = context;
  }

  /** Durable when it resolves, or no longer ours. */
  commit(logs: Iterable<PartitionLog>): Promise<void> {
    for (const log of logs) this.#dirty.add(log);
    this.#next ??= this.#flight
      // Those who asked for that one were told.
      .catch(() => undefined)
      .then(() => {
        this.#next = undefined;
        this.#flight = this.#flush();
        return this.#flight;
      });
    return this.#next;
  }

  /** The last word on these. */
  commitFarewell(logs: readonly PartitionLog[]): Promise<void> {
    for (const log of logs) this.#leaving.add(log);
    return this.commit(logs);
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

  async #flush(): Promise<void> {
    const logs = [...this.#dirty];
    this.#dirty.clear();
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
    const topics = [...byTopic].map(([topic, each]) => ({ topic, partitions: each.map((log) => this.#offsetOf(log)) }));
    await this.#coordinator.offsetCommit({ groupId, memberId, groupGenerationId: generation, topics });
    for (const { topic, partitions } of topics) {
      for (const { partition, offset } of partitions) {
        const log = byTopic.get(topic)?.find((each) => each.partition === partition);
        if (log !== undefined) log.committedOffset = Number(offset);
      }
    }
  }

  #offsetOf(log: PartitionLog): CommittedOffset {
    const { partition, watermark } = log;
    const progress = this.#leaving.has(log) ? log.farewell() : log.progress();
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
