import type { Clock } from '@anymq/core/driver';
import { Alarm } from './alarm.ts';
import { Heap } from './heap.ts';

/** Something that happens at a time. Items of one time run in the order in which they were added. */
export abstract class Due {
  readonly atMs: number;
  order = 0;

  constructor(atMs: number) {
    this.atMs = atMs;
  }

  abstract run(nowMs: number): void;
}

/** Everything that waits for its time: delayed messages and handovers of partitions. One timer, for the earliest. */
export class Schedule {
  readonly #heap = new Heap<Due>((a, b) => a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order));
  readonly #alarm: Alarm;
  readonly #afterRun: (nowMs: number) => void;
  #added = 0;

  /** `afterRun` is called once for all that came due together. */
  constructor(clock: Clock, afterRun: (nowMs: number) => void) {
    this.#alarm = new Alarm(clock, { keepsProcess: false, ring: (nowMs) => this.#runDue(nowMs) });
    this.#afterRun = afterRun;
  }

  /** When the earliest is due; undefined: nothing waits. */
  get nextAtMs(): number | undefined {
    return this.#heap.peek()?.atMs;
  }

  add(item: Due): void {
    item.order = this.#added;
    this.#added += 1;
    this.#heap.push(item);
    this.#alarm.setBy(item.atMs);
  }

  /** Linear. */
  removeWhere(isRemoved: (item: Due) => boolean): void {
    this.#heap.removeWhere(isRemoved);
    if (this.#heap.size === 0) this.#alarm.clear();
  }

  #runDue(nowMs: number): void {
    let next = this.#heap.peek();
    for (; next !== undefined && next.atMs <= nowMs; next = this.#heap.peek()) {
      this.#heap.pop();
      next.run(nowMs);
    }
    if (next !== undefined) this.#alarm.setBy(next.atMs);
    this.#afterRun(nowMs);
  }
}
