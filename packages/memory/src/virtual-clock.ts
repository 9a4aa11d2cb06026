import type { Clock, Timer } from '@anymq/core/driver';
import { Heap } from './heap.ts';

/** A clock that stands still until it is told to go on. */
export interface VirtualClock extends Clock {
  /** Timers that have neither fired nor been cleared. */
  readonly pending: number;
  /** When the earliest timer fires, in milliseconds since 1970; undefined: there is none. */
  readonly nextTimerAt: number | undefined;
  /**
   * Lets `ms` pass: fires due timers in the order of their times, those of one time in the order in which they were set,
   * and lets promises settle after each. Timers set meanwhile fire too, when they are due. Calls are queued.
   */
  advance(ms: number): Promise<void>;
}

interface VirtualTimer {
  readonly atMs: number;
  readonly order: number;
  readonly callback: () => void;
  isDone: boolean;
}

/** `startMs`: 2026-01-01T00:00:00Z by default, in milliseconds since 1970. */
export function createVirtualClock(startMs: number = Date.UTC(2026, 0, 1)): VirtualClock {
  return new VirtualTime(startMs);
}

class VirtualTime implements VirtualClock {
  readonly #timers = new Heap<VirtualTimer>((a, b) => a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order));
  #nowMs: number;
  #set = 0;
  #pending = 0;
  #advancing: Promise<void> = Promise.resolve();

  constructor(startMs: number) {
    this.#nowMs = startMs;
  }

  get pending(): number {
    return this.#pending;
  }

  get nextTimerAt(): number | undefined {
    return this.#next()?.atMs;
  }

  now(): number {
    return this.#nowMs;
  }

  setTimeout(callback: () => void, delayMs: number): Timer {
    this.#set += 1;
    this.#pending += 1;
    const timer: VirtualTimer = { atMs: this.#nowMs + Math.max(0, delayMs), order: this.#set, callback, isDone: false };
    this.#timers.push(timer);
    return timer;
  }

  clearTimeout(timer: Timer): void {
    const known = timer as VirtualTimer | undefined;
    if (known === undefined || known.isDone) return;
    known.isDone = true;
    this.#pending -= 1;
  }

  advance(ms: number): Promise<void> {
    const after = this.#advancing.then(() => this.#advanceBy(ms));
    this.#advancing = after.catch(() => undefined);
    return after;
  }

  async #advanceBy(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms;
    await settlePromises();
    for (let timer = this.#next(); timer !== undefined && timer.atMs <= untilMs; timer = this.#next()) {
      this.#timers.pop();
      this.clearTimeout(timer);
      this.#nowMs = timer.atMs;
      timer.callback();
      await settlePromises();
    }
    this.#nowMs = untilMs;
  }

  #next(): VirtualTimer | undefined {
    let next = this.#timers.peek();
    for (; next?.isDone === true; next = this.#timers.peek()) this.#timers.pop();
    return next;
  }
}

const turns = 3;

/** Three turns of the event loop: in each of them every promise that can settle settles, and immediates run. */
async function settlePromises(): Promise<void> {
  for (let turn = 0; turn < turns; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
