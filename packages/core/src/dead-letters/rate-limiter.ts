import type { Clock } from '../clock.ts';

/**
 * A token bucket for an even pace, which lets a quarter of a second be made up for after a slow call or a late timer, and a
 * log of the last second, so that no second ever has more than `ratePerSecond` (rounded up). Reaches the rate in the long run.
 */
export class RateLimiter {
  readonly #clock: Clock;
  readonly #perMs: number;
  readonly #perSecond: number;
  readonly #log: { readonly at: number; readonly count: number }[] = [];
  #recent = 0;
  #tokens = 1;
  #filledAt: number;

  constructor(ratePerSecond: number, clock: Clock) {
    this.#clock = clock;
    this.#perMs = ratePerSecond / 1000;
    this.#perSecond = Math.ceil(ratePerSecond);
    this.#filledAt = clock.now();
  }

  /** Up to `wanted` go now. None can: after how many milliseconds to ask again. */
  take(wanted: number): { readonly granted: number; readonly waitMs: number } {
    const now = this.#clock.now();
    this.#pass(now);
    // The sum of many parts may miss a whole number by a hair.
    const granted = Math.min(wanted, Math.floor(this.#tokens + 1e-9), this.#perSecond - this.#recent);
    if (granted === 0) return { granted, waitMs: this.#waitMs(now) };
    this.#tokens -= granted;
    this.#recent += granted;
    this.#log.push({ at: now, count: granted });
    return { granted, waitMs: 0 };
  }

  #pass(now: number): void {
    // A clock that was set back must not stop everything.
    const passedMs = Math.max(0, now - this.#filledAt);
    this.#tokens = Math.min(Math.max(1, this.#perMs * 250), this.#tokens + passedMs * this.#perMs);
    this.#filledAt = now;
    for (let [oldest] = this.#log; oldest !== undefined && Math.abs(now - oldest.at) >= 1000; [oldest] = this.#log) {
      this.#recent -= oldest.count;
      this.#log.shift();
    }
  }

  #waitMs(now: number): number {
    const oldest = this.#log[0]?.at ?? now;
    const untilRoom = this.#recent < this.#perSecond ? 0 : oldest + 1000 - now;
    return Math.max(1, untilRoom, Math.ceil((1 - this.#tokens) / this.#perMs));
  }
}
