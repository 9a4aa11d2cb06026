import type { HeldMessage } from '../driver-interface.ts';
import { Ring } from '../ring.ts';
import { maxHandBytes } from './capacity.ts';
import type { Desk } from './desk.ts';
import type { Job } from './job.ts';

/** Messages of one ordering key: one goes on, the others wait behind it in publish order. */
export interface Lane {
  readonly key: string;
  /** Ready, running, held, or being dead-lettered. */
  head: Job | undefined;
  readonly behind: Ring<Job>;
  /** What was behind went back to the broker: until that is confirmed, later arrivals must go back too. */
  draining: boolean;
}

interface Waiting {
  messages: number;
  bytes: number;
}

/** The lanes of a consumer of an ordered destination, and how much waits in them. Loaded by the first such consumer. */
export class Lanes {
  readonly #desk: Desk;
  readonly #lanes = new Map<string, Lane>();
  readonly #drained = new Set<Lane>();
  readonly #waiting = new Map<number, Waiting>();
  #toRecord: HeldMessage[] = [];
  /** Resolves when what is held has been recorded as well as it can be. Never rejects. */
  recorded: Promise<void> = Promise.resolve();
  /** Partitions of which so much waits that no more is fetched. */
  readonly paused: Set<number> = new Set();
  /** In all partitions. */
  readonly total: Waiting = { messages: 0, bytes: 0 };

  constructor(desk: Desk) {
    this.#desk = desk;
  }

  /** Puts a job in its lane, where it goes on, or waits; or back, as the lane is being emptied. */
  place(job: Job, key: string): void {
    const { heldUntil = 0 } = job.received;
    job.resumeAt = Math.min(heldUntil, this.#desk.time + this.#desk.settings.maxHoldMs);
    let lane = this.#lanes.get(key);
    if (lane === undefined)
      this.#lanes.set(key, (lane = { key, head: undefined, behind: new Ring(), draining: false }));
    const { head } = lane;
    passBy(head);
    if (lane.draining) return this.#desk.giveBack(job);
    job.lane = lane;
    if (head === undefined) {
      lane.head = job;
      this.toHead(job);
    } else {
      this.#desk.to(job, 'behind');
      lane.behind.push(job);
    }
  }

  /** A message of this key came, to stay or to go back. After a lost head it is one before that, unless that came first. */
  comesBack(key: string): void {
    passBy(this.#lanes.get(key)?.head);
  }

  /** Of a job that has become the head of its lane, or whose time has come. */
  toHead(job: Job): void {
    if (job.resumeAt > this.#desk.now()) this.#desk.wait(job, 'held', job.resumeAt);
    else this.#desk.toReady(job);
  }

  /** The head has ended: the next of its key goes on. */
  next(job: Job): void {
    const { lane } = job;
    if (lane?.head !== job) return;
    lane.head = lane.behind.shift();
    if (lane.head === undefined) this.#forget(lane);
    else this.toHead(lane.head);
  }

  /** A job leaves without having ended here: what is behind it goes back too. */
  leave(job: Job): void {
    const { lane } = job;
    if (lane === undefined) return;
    this.drain(lane);
    job.lane = undefined;
    if (lane.head !== job) return;
    lane.head = undefined;
    this.#forget(lane);
  }

  /** What waits behind the head goes back to the broker, in order; later arrivals go back too, until `reopen`. */
  drain(lane: Lane | undefined): void {
    if (lane === undefined) return;
    lane.draining = true;
    this.#drained.add(lane);
    for (const job of lane.behind.takeAll()) {
      if (job.state !== 'behind') continue;
      job.lane = undefined;
      this.#desk.giveBack(job);
    }
  }

  drainAll(): void {
    for (const lane of [...this.#lanes.values()]) this.drain(lane);
  }

  /** What went back has arrived there, and no fetch is under way: lanes take messages again. */
  reopen(): void {
    for (const lane of this.#drained) {
      lane.draining = false;
      this.#forget(lane);
    }
    this.#drained.clear();
  }

  /**
   * On an ordered destination a message keeps its place: in its lane, or, when it is to be handed over, at the broker.
   * Attempt and failure are kept where a restart finds them.
   */
  hold(job: Job, delayMs: number): void {
    const { context, settings } = this.#desk;
    this.#desk.wait(job, 'held', this.#desk.now() + Math.min(delayMs, settings.maxHoldMs));
    if (context.receiver.recordHeld !== undefined) {
      if (this.#toRecord.length === 0) this.recorded = this.recorded.then(() => this.#record());
      this.#toRecord.push({ token: job.token, attempt: job.attempt, heldUntil: job.resumeAt, failure: job.failure });
    }
    if (this.#desk.isLeaving(job)) this.handOver(job);
  }

  /** Gives a held message back, once its attempt has been recorded. */
  handOver(job: Job): void {
    void this.recorded.then(() => {
      if (job.state === 'held') this.#desk.giveBack(job);
    });
  }

  /** Of a job that begins or ceases to wait. */
  count({ received: { partition = 0 }, bytes }: Job, change: 1 | -1): void {
    let waiting = this.#waiting.get(partition);
    if (waiting === undefined) this.#waiting.set(partition, (waiting = { messages: 0, bytes: 0 }));
    for (const sum of [waiting, this.total]) {
      sum.messages += change;
      sum.bytes += change * bytes;
    }
    const { context, about, settings } = this.#desk;
    // There may be more partitions than were defined: then it is together that they hold too much.
    const isFull = this.#fill(waiting, 1) >= 1 || this.#fill(this.total, settings.destination.partitions) >= 1;
    if (isFull && change === 1 && !this.paused.has(partition)) {
      this.paused.add(partition);
      context.emit({ type: 'partition-waits', ...about, partition, held: waiting.messages });
    } else if (change === -1 && this.#fill(waiting, 1) <= 0.5 && this.paused.delete(partition)) {
      // A pending fetch does not know.
      context.onRefetch();
    }
  }

  /** How much of what so many partitions may hold: messages, and a share of our memory. */
  #fill({ messages, bytes }: Waiting, partitions: number): number {
    const { maxHeld, destination } = this.#desk.settings;
    return Math.max(messages / maxHeld, bytes / (maxHandBytes / destination.partitions)) / partitions;
  }

  #forget(lane: Lane): void {
    if (lane.head === undefined && lane.behind.length === 0 && !lane.draining) this.#lanes.delete(lane.key);
  }

  async #record(): Promise<void> {
    const { context } = this.#desk;
    const held = this.#toRecord;
    this.#toRecord = [];
    try {
      await context.receiver.recordHeld?.(held);
    } catch (error) {
      context.onTrouble('hold', held.length, error);
    }
  }
}

function passBy(head: Job | undefined): void {
  if (head?.lost === true) head.overtaken = true;
}
