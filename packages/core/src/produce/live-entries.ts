import type { Clock, Timer } from '../clock.ts';
import { Ring } from '../ring.ts';
import type { SendEntry } from './send-entry.ts';

const leastToTidy = 1000;

/** What has been added and not ended, in the order of the deadlines, as all have the same timeout. Knows when one is overdue. */
export class LiveEntries {
  readonly #clock: Clock;
  readonly #onOverdue: (overdue: readonly SendEntry[]) => void;
  readonly #entries: Ring<SendEntry> = new Ring();
  #added = 0;
  /** Done or not. */
  #tidyAt = leastToTidy;
  #timer: Timer | undefined;
  #flushes: { readonly upTo: number; readonly resolve: () => void }[] = [];

  constructor(clock: Clock, onOverdue: (overdue: readonly SendEntry[]) => void) {
    this.#clock = clock;
    this.#onOverdue = onOverdue;
  }

  add(entry: SendEntry): void {
    entry.order = ++this.#added;
    this.#entries.push(entry);
    if (this.#timer === undefined) this.#arm(entry);
  }

  /** Resolves when everything that was added before has ended. */
  flushed(): Promise<void> {
    if (this.#entries.length === 0) return Promise.resolve();
    return new Promise((resolve) => this.#flushes.push({ upTo: this.#added, resolve }));
  }

  /** Some entries are done: forgets them, and wakes those who waited for it. */
  sweep(): void {
    for (let first = this.#entries.peek(); first?.done === true; first = this.#entries.peek()) this.#entries.shift();
    if (this.#entries.length > this.#tidyAt) this.#tidy();
    if (this.#flushes.length === 0) return;
    const endedUpTo = (this.#entries.peek()?.order ?? this.#added + 1) - 1;
    const waiting = this.#flushes;
    this.#flushes = waiting.filter(({ upTo }) => upTo > endedUpTo);
    for (const { upTo, resolve } of waiting) if (upTo <= endedUpTo) resolve();
  }

  /** Everything that is left; leaves no timer. */
  takeAll(): readonly SendEntry[] {
    this.#clock.clearTimeout(this.#timer);
    return this.#entries.takeAll().filter((entry) => !entry.done);
  }

  /** One that waits for long would keep all that was sent after it. */
  #tidy(): void {
    this.#entries.keep(({ done }) => !done);
    this.#tidyAt = Math.max(leastToTidy, 2 * this.#entries.length);
  }

  #arm(oldest: SendEntry): void {
    const timer = this.#clock.setTimeout(this.#expire, Math.max(0, oldest.deadline - this.#clock.now()));
    // Stays armed while idle, which is cheaper than a timer for each send; it alone keeps no process alive.
    (timer as { unref?: () => void } | undefined)?.unref?.();
    this.#timer = timer;
  }

  readonly #expire = (): void => {
    this.#timer = undefined;
    const now = this.#clock.now();
    const overdue: SendEntry[] = [];
    let first = this.#entries.peek();
    for (; first !== undefined && (first.done || first.deadline <= now); first = this.#entries.peek()) {
      this.#entries.shift();
      if (!first.done) overdue.push(first);
    }
    if (first !== undefined) this.#arm(first);
    if (overdue.length > 0) this.#onOverdue(overdue);
  };
}
