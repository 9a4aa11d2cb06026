import { Ring } from '../ring.ts';
import type { Job } from './job.ts';

/** Messages of one ordering key: one goes on, the others wait behind it in publish order. */
export interface Lane {
  readonly key: string;
  readonly partition: number;
  /** Ready, running, held, or being dead-lettered. */
  head: Job | undefined;
  readonly behind: Ring<Job>;
  /** What was behind went back to the broker: until that is confirmed, later arrivals must go back too. */
  draining: boolean;
}

export interface LanesOptions {
  /** Messages of a partition that may wait before it is paused. */
  readonly maxHeld: number;
  readonly onPartitionWaits: (partition: number, held: number) => void;
  /** `paused` has become smaller: a pending fetch does not know. */
  readonly onPartitionResumes: () => void;
}

/** The lanes of one consumer, and how much waits in them. */
export class Lanes {
  readonly #options: LanesOptions;
  readonly #lanes = new Map<string, Lane>();
  readonly #drained = new Set<Lane>();
  readonly #waiting = new Map<number, number>();
  /** Partitions of which so much waits that no more is fetched. */
  readonly paused: Set<number> = new Set();
  total = 0;

  constructor(options: LanesOptions) {
    this.#options = options;
  }

  /** Puts a job in its lane: 'head' when it may go on, 'behind' when it waits, 'draining' when it must go back. */
  enter(job: Job, key: string): 'head' | 'behind' | 'draining' {
    let lane = this.#lanes.get(key);
    if (lane === undefined) {
      lane = { key, partition: job.received.partition ?? 0, head: undefined, behind: new Ring(), draining: false };
      this.#lanes.set(key, lane);
    }
    const { head } = lane;
    if (head !== undefined) passBy(head);
    if (lane.draining) return 'draining';
    job.lane = lane;
    if (head === undefined) {
      lane.head = job;
      return 'head';
    }
    lane.behind.push(job);
    this.#count(lane.partition, 1);
    return 'behind';
  }

  /** A message of this key came, to stay or to go back. After a lost head it is one before that, unless that came first. */
  comesBack(key: string): void {
    const head = this.#lanes.get(key)?.head;
    if (head !== undefined) passBy(head);
  }

  /** The head has ended: the next one takes its place, and is returned. */
  advance(lane: Lane): Job | undefined {
    const next = lane.behind.shift();
    lane.head = next;
    if (next !== undefined) this.#count(lane.partition, -1);
    else this.#forget(lane);
    return next;
  }

  /** Takes out what waits behind the head; later arrivals go back too, until `reopen`. */
  drain(lane: Lane): Job[] {
    const jobs = lane.behind.takeAll();
    this.#count(lane.partition, -jobs.length);
    lane.draining = true;
    this.#drained.add(lane);
    return jobs;
  }

  /** The head is gone without a successor; only of a lane that was drained. */
  leave(lane: Lane): void {
    lane.head = undefined;
    this.#forget(lane);
  }

  /** What went back has arrived there, and no fetch is under way: lanes take messages again. */
  reopen(): void {
    for (const lane of this.#drained) {
      lane.draining = false;
      this.#forget(lane);
    }
    this.#drained.clear();
  }

  all(): Iterable<Lane> {
    return this.#lanes.values();
  }

  /** Counts a head that is held. */
  hold(lane: Lane, change: 1 | -1): void {
    this.#count(lane.partition, change);
  }

  #forget(lane: Lane): void {
    if (lane.head === undefined && lane.behind.length === 0 && !lane.draining) this.#lanes.delete(lane.key);
  }

  #count(partition: number, change: number): void {
    if (change === 0) return;
    const waiting = (this.#waiting.get(partition) ?? 0) + change;
    this.total += change;
    this.#waiting.set(partition, waiting);
    if (waiting >= this.#options.maxHeld && !this.paused.has(partition)) {
      this.paused.add(partition);
      this.#options.onPartitionWaits(partition, waiting);
    } else if (waiting <= this.#options.maxHeld / 2 && this.paused.delete(partition)) {
      this.#options.onPartitionResumes();
    }
  }
}

function passBy(head: Job): void {
  if (head.lost && head.joined === undefined) head.overtaken = true;
}
