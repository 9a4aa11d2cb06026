import type { Clock } from '../clock.ts';

/**
 * A token bucket whose size counts towards its rate: never more than `ratePerSecond` in any second, and at least 96 % of it
 * in the long run. From 25 a second it lets a few go at once, so that a slow broker or a late timer costs no rate.
 */
export class RateLimiter {
  readonly #clock: Clock;
  readonly #capacity: number;
  readonly #perMs: number;
  #tokens: number;
  #filledAt: number;

  constructor(ratePerSecond: number, clock: Clock) {
    const spare = Math.floor(ratePerSecond * 0.04);
    this.#clock = clock;
    this.#capacity = 1 + spare;
    this.#perMs = (ratePerSecond - spare) / 1000;
    this.#tokens = this.#capacity;
    this.#filledAt = clock.now();
  }

  /** Up to `wanted` go now. None can: after how many milliseconds to ask again. */
  take(wanted: number): { readonly granted: number; readonly waitMs: number } {
    const now = this.#clock.now();
    this.#tokens = Math.min(this.#capacity, this.#tokens + Math.max(0, now - this.#filledAt) * this.#perMs);
    this.#filledAt = now;
    // The sum of many parts may miss a whole number by a hair.
    const granted = Math.min(wanted, Math.floor(this.#tokens + 1e-9));
    this.#tokens -= granted;
    return { granted, waitMs: granted > 0 ? 0 : Math.ceil((1 - this.#tokens) / this.#perMs) };
  }
}
