import type { Clock, Timer } from '@anymq/core/driver';

const maxTimeoutMs = 2_147_483_647;

/** One timer for the earliest of many deadlines. */
export class Alarm {
  readonly #clock: Clock;
  readonly #ring: (nowMs: number) => void;
  readonly #keepsProcess: boolean;
  #timer: Timer;
  #atMs = Infinity;

  /** `ring` sets the alarm again for what is still to come; it may ring early. With `keepsProcess: false` Node may exit before. */
  constructor(clock: Clock, options: { readonly keepsProcess: boolean; readonly ring: (nowMs: number) => void }) {
    this.#clock = clock;
    this.#ring = options.ring;
    this.#keepsProcess = options.keepsProcess;
  }

  /** Rings at `atMs` or earlier. */
  setBy(atMs: number): void {
    if (atMs >= this.#atMs) return;
    this.clear();
    this.#atMs = atMs;
    const delayMs = Math.ceil(Math.max(0, atMs - this.#clock.now()));
    this.#timer = this.#clock.setTimeout(() => this.#fire(), Math.min(delayMs, maxTimeoutMs));
    if (!this.#keepsProcess) unref(this.#timer);
  }

  clear(): void {
    if (this.#atMs === Infinity) return;
    this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#atMs = Infinity;
  }

  #fire(): void {
    this.#timer = undefined;
    this.#atMs = Infinity;
    this.#ring(this.#clock.now());
  }
}

/** A real broker runs elsewhere: its delays and leases keep no process alive. Timers of other clocks may lack `unref`. */
function unref(timer: Timer): void {
  if (typeof timer === 'object' && timer !== null && 'unref' in timer && typeof timer.unref === 'function')
    timer.unref();
}
