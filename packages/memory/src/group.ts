import type { HeaderFilter, ReceiveOptions } from '@anymq/core/driver';
import { Assignment } from './assignment.ts';
import { DelayedEntry } from './delayed-entry.ts';
import { DeadLetterList } from './dead-letter-list.ts';
import type { Runtime } from './runtime.ts';
import { WaitingLane } from './ready-list.ts';
import { type DeliveryToken, Entry, type StoredMessage } from './stored-message.ts';
import type { Subscription } from './subscription.ts';
import type { Wait } from './waits.ts';

export interface GroupOptions {
  readonly filter: HeaderFilter | undefined;
  /** 0: not ordered. */
  readonly partitions: number;
  /** Infinity: no bound. */
  readonly retentionMs: number;
}

/** What waits for a group of a topic, or in a queue. Entries are waiting, delayed or in hand; what is handled is gone. */
export class Group {
  readonly options: GroupOptions;
  readonly runtime: Runtime;
  readonly letters: DeadLetterList = new DeadLetterList();
  readonly assignment: Assignment | undefined;
  readonly members: Set<Subscription> = new Set();
  isRemoved = false;
  readonly #lanes: readonly WaitingLane[];
  readonly #waits = new Set<Wait>();
  #nextPlace = 0;
  #waiting = 0;
  #inFlight = 0;
  #delayed = 0;
  #mayExpire: boolean;

  constructor(options: GroupOptions, runtime: Runtime) {
    this.options = options;
    this.runtime = runtime;
    this.#mayExpire = options.retentionMs !== Infinity;
    this.#lanes = Array.from(
      { length: Math.max(1, options.partitions) },
      () => new WaitingLane(options.partitions > 0),
    );
    this.assignment = options.partitions > 0 ? new Assignment(options.partitions, this) : undefined;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  get delayed(): number {
    return this.#delayed;
  }

  /** Takes a message; `wake` hands it out. */
  add(message: StoredMessage, options: { readonly isCopy: boolean }, nowMs: number): void {
    const entry = new Entry(message, options.isCopy);
    this.runtime.pending.add(1);
    if (message.visibleAt > nowMs) this.#delay(entry, message.visibleAt);
    else this.#append(entry, nowMs);
  }

  /** Waiting entries that are neither expired nor past the retention. */
  countWaiting(nowMs: number): { readonly waiting: number; readonly oldestAgeMs: number | null } {
    if (this.#mayExpire) for (const lane of this.#lanes) this.#dropGone(lane, nowMs);
    const oldest = Math.min(...this.#lanes.map((lane) => lane.oldestSince() ?? Infinity));
    return { waiting: this.#waiting, oldestAgeMs: oldest === Infinity ? null : Math.max(0, nowMs - oldest) };
  }

  /** What there is for this member now, in order; empty: nothing. */
  take(subscription: Subscription, options: ReceiveOptions, nowMs: number): DeliveryToken[] {
    const batch: DeliveryToken[] = [];
    if (this.#waiting === 0 || this.runtime.isPaused) return batch;
    let bytesLeft = options.maxBytes;
    for (const partition of this.#readable(subscription, options)) {
      bytesLeft = this.#takeFrom(this.#lanes[partition] as WaitingLane, {
        batch,
        bytesLeft,
        maxMessages: options.maxMessages,
        subscription,
        nowMs,
      });
      if (batch.length >= options.maxMessages || bytesLeft <= 0) break;
    }
    if (batch.length > 0) subscription.startLeases();
    return batch;
  }

  /** Ends a delivery for good. */
  finish(token: DeliveryToken): void {
    this.#inFlight -= 1;
    if (!this.isRemoved) this.runtime.pending.remove(1);
    this.assignment?.released(token.entry.message.partition);
  }

  /** Back to its place; where it must not be received for a while, out of the way until then. */
  giveBack(token: DeliveryToken, delayMs = 0): void {
    this.#inFlight -= 1;
    const { entry } = token;
    if (!this.isRemoved && delayMs > 0) this.#delay(entry, this.runtime.clock.now() + delayMs);
    else if (!this.isRemoved) this.#return(entry);
    this.assignment?.released(entry.message.partition);
  }

  addWait(wait: Wait): void {
    this.#waits.add(wait);
  }

  removeWait(wait: Wait): void {
    this.#waits.delete(wait);
  }

  /** Serves waiting receives, longest waiting first. */
  wake(nowMs: number): void {
    for (const wait of this.#waits) {
      if (this.#waiting === 0) return;
      const batch = this.take(wait.subscription, wait.options, nowMs);
      if (batch.length > 0) wait.finish(batch);
      else if (this.assignment === undefined) return;
    }
  }

  /** A second copy of what someone is handling, in its place. */
  duplicate(entry: Entry): void {
    const second = new Entry(entry.message, entry.isCopy);
    second.place = entry.place;
    second.since = entry.since;
    second.wasDelivered = true;
    second.heldAttempt = entry.heldAttempt;
    second.heldUntil = entry.heldUntil;
    second.heldFailure = entry.heldFailure;
    this.runtime.pending.add(1);
    this.#return(second);
  }

  /** Begins anew with these messages of the log. Retry copies, redriven letters and delayed messages stay. */
  restartFrom(messages: Iterable<StoredMessage>, nowMs: number): void {
    this.skipUntil(Infinity);
    for (const message of messages) this.replay(message, nowMs);
  }

  /** Forgets what has waited since before `fromMs`. Retry copies, redriven letters and delayed messages stay. */
  skipUntil(fromMs: number): void {
    for (const lane of this.#lanes)
      lane.replace(lane.entries().filter(({ isCopy, since }) => isCopy || since >= fromMs));
    const kept = this.#lanes.reduce((sum, lane) => sum + lane.entries().length, 0);
    this.runtime.pending.remove(this.#waiting - kept);
    this.#waiting = kept;
  }

  /** Takes a message of the log that was visible before the group, or before its new position. */
  replay(message: StoredMessage, nowMs: number): void {
    this.runtime.pending.add(1);
    this.#append(new Entry(message, false), nowMs);
  }

  remove(): void {
    this.isRemoved = true;
    this.runtime.schedule.removeWhere((item) => item instanceof DelayedEntry && item.group === this);
    this.runtime.pending.remove(this.#waiting + this.#delayed + this.#inFlight);
    this.#waiting = 0;
    this.#delayed = 0;
  }

  /** A delayed entry came due. */
  becomeDue(entry: Entry, nowMs: number): void {
    this.#delayed -= 1;
    if (entry.place === -1) this.#append(entry, nowMs);
    else this.#return(entry);
    this.runtime.markDue(this);
  }

  #append(entry: Entry, nowMs: number): void {
    entry.place = this.#nextPlace;
    entry.since = nowMs;
    this.#nextPlace += 1;
    this.#waiting += 1;
    if (entry.message.expiresAt !== 0) this.#mayExpire = true;
    this.#laneOf(entry).push(entry);
  }

  #return(entry: Entry): void {
    this.#waiting += 1;
    this.#laneOf(entry).giveBack(entry);
  }

  #delay(entry: Entry, atMs: number): void {
    this.#delayed += 1;
    this.runtime.schedule.add(new DelayedEntry(atMs, entry, this));
  }

  #laneOf(entry: Entry): WaitingLane {
    return this.#lanes[entry.message.partition] as WaitingLane;
  }

  #readable(subscription: Subscription, options: ReceiveOptions): readonly number[] {
    return this.assignment === undefined ? onlyLane : this.assignment.readable(subscription, options.pausedPartitions);
  }

  #takeFrom(lane: WaitingLane, taking: Taking): number {
    const { batch, maxMessages, subscription, nowMs } = taking;
    let { bytesLeft } = taking;
    while (batch.length < maxMessages) {
      const entry = lane.peek();
      if (entry === undefined) break;
      const isGone = this.#isGone(entry, nowMs);
      if (!isGone && batch.length > 0 && entry.message.bytes > bytesLeft) return 0;
      lane.shift();
      this.#waiting -= 1;
      if (isGone) {
        this.#countExpired();
        continue;
      }
      bytesLeft -= entry.message.bytes;
      this.#inFlight += 1;
      this.assignment?.handed(entry.message.partition);
      batch.push(subscription.hold(entry, nowMs));
    }
    return bytesLeft;
  }

  #isGone(entry: Entry, nowMs: number): boolean {
    const { expiresAt } = entry.message;
    return (expiresAt !== 0 && expiresAt <= nowMs) || entry.since + this.options.retentionMs < nowMs;
  }

  #countExpired(): void {
    this.runtime.expired += 1;
    this.runtime.pending.remove(1);
  }

  #dropGone(lane: WaitingLane, nowMs: number): void {
    const entries = lane.entries();
    const kept = entries.filter((entry) => !this.#isGone(entry, nowMs));
    for (let count = entries.length - kept.length; count > 0; count -= 1) {
      this.#waiting -= 1;
      this.#countExpired();
    }
    if (kept.length < entries.length) lane.replace(kept);
  }
}

interface Taking {
  readonly batch: DeliveryToken[];
  readonly bytesLeft: number;
  readonly maxMessages: number;
  readonly subscription: Subscription;
  readonly nowMs: number;
}

const onlyLane: readonly number[] = [0];
