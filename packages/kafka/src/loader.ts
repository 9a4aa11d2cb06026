import { sleep } from '@anymq/core/driver';
import type { Link } from './client.ts';
import type { FetchedRecord } from './protocol.ts';
import { type Committed, committedOf, earliest, type Leaders, leadersOf, offsetsOf } from './cluster-calls.ts';
import type { DriverContext } from './driver-context.ts';
import { dueAtOf } from './encoding.ts';
import { KafkaDriverError } from './errors.ts';
import type { Names } from './names.ts';
import { PartitionLog } from './partition-log.ts';
import { decodeProgress } from './progress.ts';
import type { Share } from './share.ts';
import { addPartitions, createTopics } from './topics.ts';

/** Which topic a log is of: the destination itself, or a retry topic whose records wait for so long (0: until they are due). */
interface Source {
  readonly topic: string;
  readonly tierMs: number | undefined;
  readonly leaders: Leaders;
}

const maxBuffered = 1000;
/** What waits there may be due in any order: most of it should be seen. Its bytes are bounded too. */
const maxBufferedInRetry = 10_000;
const maxBufferedInTier = 100;
const retryMs = 200;

/** Finds out where the owner before us stood. */
export class Loader {
  readonly #context: DriverContext;
  readonly #link: Link;
  readonly #names: Names;
  /** Of the destination, when they were last counted. */
  partitions = 0;
  /** Processes that are in the group, as its leader said last. */
  alive: ReadonlySet<string> = new Set();

  constructor(context: DriverContext, link: Link, names: Names) {
    this.#context = context;
    this.#link = link;
    this.#names = names;
  }

  /** Repeats what fails until it has found out, or until none is wanted any more. `first` comes before everything that is read. */
  async loadWhile(
    wanted: () => readonly Share[],
    { signal, onTrouble }: { readonly signal: AbortSignal; readonly onTrouble: (error: unknown) => void },
    first: (shares: readonly Share[]) => Promise<void> | undefined,
  ): Promise<void> {
    for (let shares = wanted(); shares.length > 0 && !signal.aborted; shares = wanted()) {
      try {
        await first(shares);
        await this.load(shares);
        return onTrouble(undefined);
      } catch (error) {
        if (signal.aborted) return;
        onTrouble(error);
        await sleep(this.#context.clock, retryMs, signal);
      }
    }
  }

  /** The destination's partition and those of the retry topics that are there. */
  async load(shares: readonly Share[]): Promise<void> {
    const sources = await this.#sources();
    const partitions = shares.map(({ partition }) => partition);
    const committed = await committedOf(
      this.#link,
      this.#names.group,
      new Map(sources.map(({ topic }) => [topic, partitions])),
    );
    for (const source of sources) {
      const here = new Map([...source.leaders].filter(([partition]) => partitions.includes(partition)));
      const first = await this.#firstOf(source.topic, here, committed.get(source.topic));
      for (const share of shares) {
        const leader = here.get(share.partition);
        if (leader === undefined || share.logs.has(source.topic)) continue;
        const known = committed.get(source.topic)?.get(share.partition);
        share.logs.set(source.topic, this.#logOf(source, share.partition, leader, known, first));
      }
    }
  }

  /** Of one retry topic, which is made when it is not there. */
  async loadRetry(topic: string, partition: number, tierMs: number): Promise<PartitionLog> {
    const leaders = await this.#retryWith(topic, partition);
    const leader = leaders.get(partition) ?? -1;
    const here = new Map([[partition, leader]]);
    const committed = await committedOf(this.#link, this.#names.group, new Map([[topic, [partition]]]));
    const first = await this.#firstOf(topic, here, committed.get(topic));
    return this.#logOf({ topic, tierMs, leaders }, partition, leader, committed.get(topic)?.get(partition), first);
  }

  /** Made, or given the partitions that were added to the destination, when it lacks this one. */
  async #retryWith(topic: string, partition: number): Promise<Leaders> {
    const { clock } = this.#context;
    const there = await leadersOf(this.#link, topic, clock);
    if (there?.has(partition) === true) return there;
    const main = await leadersOf(this.#link, this.#names.main, clock);
    if (main === undefined) throw new KafkaDriverError('NOT_FOUND', `The topic ${this.#names.main} does not exist.`);
    if (there === undefined) await createTopics(this.#link, [{ name: topic, partitions: main.size }], this.#context);
    else await addPartitions(this.#link, topic, main.size, clock);
    return (await leadersOf(this.#link, topic, clock)) ?? new Map<number, number>();
  }

  async #sources(): Promise<readonly Source[]> {
    const { tiersMs, clock } = this.#context;
    const { main, retry, tier } = this.#names;
    const topics = [
      { topic: main, tierMs: undefined },
      { topic: retry, tierMs: 0 },
      ...tiersMs.map((tierMs) => ({ topic: tier(tierMs), tierMs })),
    ];
    const leaders = await Promise.all(topics.map(({ topic }) => leadersOf(this.#link, topic, clock)));
    // It was there when the receiver was opened: it may come back, as when it is deleted later.
    if (leaders[0] === undefined)
      throw new KafkaDriverError('NOT_CONNECTED', `The topic ${main} does not exist any more.`);
    this.partitions = leaders[0].size;
    return topics.flatMap((each, index) => {
      const found = leaders[index];
      return found === undefined ? [] : [{ ...each, leaders: found }];
    });
  }

  /** Offsets that were never committed, or have expired: from the first record on, so that nothing is missed. */
  async #firstOf(
    topic: string,
    here: Leaders,
    committed: ReadonlyMap<number, Committed> | undefined,
  ): Promise<ReadonlyMap<number, number>> {
    const unknown = [...here].filter(([partition]) => (committed?.get(partition)?.offset ?? -1) < 0);
    return unknown.length === 0
      ? new Map<number, number>()
      : offsetsOf(this.#link, topic, new Map(unknown), earliest, this.#context.clock);
  }

  #logOf(
    { topic, tierMs }: Source,
    partition: number,
    leader: number,
    known: Committed | undefined,
    first: ReadonlyMap<number, number>,
  ): PartitionLog {
    const isKnown = known !== undefined && known.offset >= 0;
    const from = isKnown ? known.offset : (first.get(partition) ?? 0);
    return new PartitionLog({
      topic,
      partition,
      leader,
      from,
      progress: decodeProgress(from, isKnown ? known.note : ''),
      ownerId: this.#context.ownerId,
      alive: this.alive,
      availableAt: availability(tierMs, this.#context.tiersMs[0] ?? 0),
      maxBuffered: maxBufferedIn(tierMs),
    });
  }
}

function maxBufferedIn(tierMs: number | undefined): number {
  if (tierMs === undefined) return maxBuffered;
  return tierMs === 0 ? maxBufferedInRetry : maxBufferedInTier;
}

/** A tier's records wait for its length; those of the retry topic until they are due, or until they may be in a tier. */
function availability(tierMs: number | undefined, firstTierMs: number): (record: FetchedRecord) => number {
  if (tierMs === undefined) return () => 0;
  if (tierMs > 0) return ({ timestamp }) => Number(timestamp) + tierMs;
  return (record) => Math.min(dueAtOf(record), Number(record.timestamp) + firstTierMs);
}
