import { type Clock, sleep } from '@anymq/core/driver';
import type { Link } from './client.ts';
import { committedOf, earliest, leadersOf, offsetsOf } from './cluster-calls.ts';
import { errorType, KafkaDriverError } from './errors.ts';
import { fetchingBroker } from './fetching-broker.ts';
import type { PartitionLog } from './partition-log.ts';

export interface FetcherContext {
  readonly link: Link;
  readonly clock: Clock;
  readonly groupId: string;
  /** Everything that we own. */
  readonly logs: () => Iterable<PartitionLog>;
  readonly onRecords: () => void;
  /** There was nothing in them to settle, and nothing before it is left. */
  readonly onPassed: (logs: readonly PartitionLog[]) => void;
  readonly onMissing: (topics: readonly string[]) => void;
  /** undefined: fetching works. */
  readonly onTrouble: (error: unknown) => void;
}

/** How long the broker waits for records when there are none; longer, when there were none for a while. */
const waitMs = 250;
const idleWaitMs = 1000;
const emptyPolls = 20;
/** While a partition is full: it has to be able to come back soon. */
const shortWaitMs = 20;
const maxPartitionBytes = 1_048_576;
const maxBytes = 10_485_760;
const troubleMs = 100;
/** Whether it is really gone is found out by asking for it; until then it may be on its way. */
const notThere = new KafkaDriverError('NOT_CONNECTED', 'The broker does not know one of the topics.');

/** Keeps the logs filled: for each broker one request after the other, whatever is done with what they bring. */
export class Fetcher {
  readonly #context: FetcherContext;
  readonly #polling = new Map<number, Promise<void>>();
  readonly #closing = new AbortController();

  constructor(context: FetcherContext) {
    this.#context = context;
  }

  /** There may be room again, or a new log. */
  wake(): void {
    if (this.#closing.signal.aborted) return;
    for (const log of this.#context.logs()) {
      if (!this.#polling.has(log.leader) && log.wantsMore) this.#start(log.leader);
    }
  }

  /** The link is closed next: that ends the requests under way. */
  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.all(this.#polling.values());
  }

  #start(nodeId: number): void {
    const polling = this.#poll(nodeId).finally(() => {
      this.#polling.delete(nodeId);
      this.wake();
    });
    this.#polling.set(nodeId, polling);
  }

  async #poll(nodeId: number): Promise<void> {
    let empty = 0;
    while (!this.#closing.signal.aborted) {
      const led = [...this.#context.logs()].filter((log) => log.leader === nodeId && !log.isLost);
      const wanting = led.filter((log) => log.wantsMore);
      if (wanting.length === 0) return this.#context.onTrouble(undefined);
      try {
        const restMs = empty < emptyPolls ? waitMs : idleWaitMs;
        const hasRecords = await this.#fetch(nodeId, wanting, wanting.length === led.length ? restMs : shortWaitMs);
        empty = hasRecords ? 0 : empty + 1;
        this.#context.onTrouble(undefined);
      } catch (error) {
        if (!this.#closing.signal.aborted) await this.#onFailure(error, wanting);
      }
    }
  }

  async #fetch(nodeId: number, logs: readonly PartitionLog[], maxWaitTime: number): Promise<boolean> {
    const broker = fetchingBroker(await this.#context.link.cluster.findBroker({ nodeId }));
    const byTopic = Map.groupBy(logs, ({ topic }) => topic);
    const topics = [...byTopic].map(([topic, each]) => ({
      topic,
      partitions: each.map(({ partition, position }) => ({
        partition,
        fetchOffset: String(position),
        maxBytes: maxPartitionBytes,
      })),
    }));
    const { responses } = await broker.fetch({ isolationLevel: 1, maxWaitTime, minBytes: 1, maxBytes, topics });
    let hasRecords = false;
    const passed: PartitionLog[] = [];
    for (const { topicName, partitions } of responses) {
      for (const fetched of partitions) {
        const log = byTopic.get(topicName)?.find(({ partition }) => partition === fetched.partition);
        if (log === undefined || log.isLost || fetched.messages.length === 0) continue;
        log.append(fetched);
        if (log.isDone && log.position > log.committedOffset) passed.push(log);
        hasRecords = true;
      }
    }
    if (passed.length > 0) this.#context.onPassed(passed);
    if (hasRecords) this.#context.onRecords();
    return hasRecords;
  }

  async #onFailure(error: unknown, logs: readonly PartitionLog[]): Promise<void> {
    const { clock, onTrouble } = this.#context;
    const { signal } = this.#closing;
    const { topic, partition } = error as { readonly topic?: string; readonly partition?: number };
    const log = logs.find((each) => each.topic === topic && each.partition === partition);
    try {
      if (errorType(error) === 'OFFSET_OUT_OF_RANGE' && log !== undefined) return await this.#toEarliest(log);
      const isUnknown = errorType(error) === 'UNKNOWN_TOPIC_OR_PARTITION';
      onTrouble(isUnknown ? notThere : error);
      await sleep(clock, troubleMs, signal);
      if (!signal.aborted) await this.#refresh(logs, isUnknown);
    } catch (failure) {
      onTrouble(failure);
      await sleep(clock, troubleMs, signal);
    }
  }

  /** What we were to read next is gone: what is left of it is read from its beginning, never from its end. */
  async #toEarliest(log: PartitionLog): Promise<void> {
    const { link, clock } = this.#context;
    const leaders = new Map([[log.partition, log.leader]]);
    const first = await offsetsOf(link, log.topic, leaders, earliest, clock);
    log.restart(first.get(log.partition) ?? 0);
  }

  async #refresh(logs: readonly PartitionLog[], isUnknown: boolean): Promise<void> {
    const { link, clock, onMissing } = this.#context;
    await link.cluster.refreshMetadata();
    for (const [topic, each] of Map.groupBy(logs, ({ topic }) => topic)) {
      const leaders = await leadersOf(link, topic, clock);
      if (leaders === undefined || (isUnknown && (await this.#isAnother(topic, each)))) onMissing([topic]);
      for (const log of each) log.leader = leaders?.get(log.partition) ?? log.leader;
    }
  }

  /** Deleted, and made again already: with the former topic the broker has forgotten what was committed of it. */
  async #isAnother(topic: string, logs: readonly PartitionLog[]): Promise<boolean> {
    const { link, groupId } = this.#context;
    const committed = logs.filter(({ committedOffset }) => committedOffset > 0).map(({ partition }) => partition);
    if (committed.length === 0) return false;
    const known = await committedOf(link, groupId, new Map([[topic, committed]]));
    return committed.some((partition) => (known.get(topic)?.get(partition)?.offset ?? -1) < 0);
  }
}
