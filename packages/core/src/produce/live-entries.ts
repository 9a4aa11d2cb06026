import type { Clock, Timer } from '../clock.ts';
import { Ring } from '../ring.ts';
import type { SendEntry } from './send-entry.ts';

/** Who waits until everything before it has ended. */
interface Flush {
  readonly resolve: () => void;
  readonly done: true;
}

const leastToTidy = 1000;

/** What has been added and not ended, in the order of the deadlines, as all have the same timeout. Knows when one is overdue. */
export class LiveEntries {
  readonly #clock: Clock;
  readonly #onOverdue: (overdue: readonly SendEntry[]) => void;
  readonly #line: Ring<SendEntry | Flush> = new Ring();
  /** Done or not. */
  #tidyAt = leastToTidy;
  #timer: Timer | undefined;

  constructor(clock: Clock, onOverdue: (overdue: readonly SendEntry[]) => void) {
    this.#clock = clock;
    this.#onOverdue = onOverdue;
  }

  add(entry: SendEntry): void {
    this.#line.push(entry);
    if (this.#timer === undefined) this.#arm(entry);
  }

  /** Resolves when everything that was added before has ended. */
  flushed(): Promise<void> {
    return new Promise((resolve) => {
      this.#line.push({ resolve, done: true });
      this.sweep();
    });
  }

  /** Forgets what is done at the front, and wakes those who waited for it. Returns the first that is not done. */
  sweep(): SendEntry | undefined {
    for (let first = this.#line.peek(); first !== undefined; first = this.#line.peek()) {
      if (!first.done) {
        if (this.#line.length > this.#tidyAt) this.#tidy();
        return first;
      }
      this.#line.shift();
      if ('resolve' in first) first.resolve();
    }
    return undefined;
  }

  /** Everything that is left; leaves no timer. */
  left(): readonly SendEntry[] {
    this.#clock.clearTimeout(this.#timer);
    return this.#line.all().filter((one): one is SendEntry => !one.done);
  }

  /** One that waits for long would keep all that was sent after it. */
  #tidy(): void {
    this.#line.keep((one) => !one.done || 'resolve' in one);
    this.#tidyAt = Math.max(leastToTidy, 2 * this.#line.length);
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
    let first = this.sweep();
    for (; first !== undefined && first.deadline <= now; first = this.sweep()) {
      this.#line.shift();
      overdue.push(first);
    }
    if (first !== undefined) this.#arm(first);
    if (overdue.length > 0) this.#onOverdue(overdue);
  };
}
