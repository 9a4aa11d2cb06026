import type { Timer } from '@anymq/core/driver';
import type { DriverContext } from './driver-context.ts';
import { nameOf } from './errors.ts';
import type { Keys } from './keys.ts';
import { pump } from './scripts/sending.ts';

export interface TickerOptions {
  readonly keys: Keys;
  readonly isTopic: boolean;
  /** Called about every `everyMs`; what it rejects with is logged and tried again. */
  readonly beat: () => Promise<void>;
  readonly everyMs: number;
}

/** Most that is moved in one call; more is moved by the next, at once. */
const pumpLimit = 200;
/** Another client may have sent something that is due earlier than what we know of. */
const pumpEveryMs = 500;

/** What a running receiver does beside receiving: moves what is due, and shows that it is alive. One timer for both. */
export class Ticker {
  readonly #context: DriverContext;
  readonly #options: TickerOptions;
  readonly #pumpKeys: readonly string[];
  readonly #pumpArgs: readonly number[];
  #timer: Timer | undefined;
  #isClosed = false;
  #running: Promise<void> = Promise.resolve();
  #beatAt = 0;

  constructor(context: DriverContext, options: TickerOptions) {
    const { keys, isTopic } = options;
    this.#context = context;
    this.#options = options;
    this.#pumpKeys = [keys.delayed, ...keys.streams, ...(isTopic ? [keys.groupDelayed, ...keys.retries] : [])];
    this.#pumpArgs = isTopic ? [2, keys.streams.length, keys.retries.length] : [1, keys.streams.length];
  }

  start(): void {
    this.#beatAt = this.#context.clock.now() + this.#options.everyMs;
    this.#arm(0);
  }

  /** Something becomes due then. */
  hasten(atMs: number): void {
    const inMs = Math.max(0, atMs - this.#context.clock.now());
    if (inMs < pumpEveryMs && this.#timer !== undefined) this.#arm(inMs);
  }

  /** The next beat comes earlier. */
  beatSoon(inMs: number): void {
    this.#beatAt = Math.min(this.#beatAt, this.#context.clock.now() + inMs);
    if (this.#timer !== undefined) this.#arm(inMs);
  }

  /** Resolves when nothing of it runs any more. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#context.clock.clearTimeout(this.#timer);
    await this.#running;
  }

  #arm(inMs: number): void {
    const { clock } = this.#context;
    clock.clearTimeout(this.#timer);
    this.#timer = this.#isClosed ? undefined : clock.setTimeout(() => this.#fire(), inMs);
  }

  #fire(): void {
    this.#timer = undefined;
    this.#running = this.#tick().then((inMs) => this.#arm(inMs));
  }

  /** Never rejects. Returns when to come again. */
  async #tick(): Promise<number> {
    const [inMs] = await Promise.all([this.#pump(), this.#beat()]);
    return Math.max(0, Math.min(inMs, this.#beatAt - this.#context.clock.now()));
  }

  async #pump(): Promise<number> {
    const { clock, connection } = this.#context;
    try {
      // By the clock of those that look at the due time when they receive it.
      const answer = await connection.run(pump, this.#pumpKeys, [clock.now(), pumpLimit, ...this.#pumpArgs]);
      const [next, moved] = answer as readonly [string, number];
      if (moved >= pumpLimit) return 0;
      return Number(next) < 0 ? pumpEveryMs : Math.min(pumpEveryMs, Math.max(1, Number(next) - clock.now()));
    } catch (error) {
      this.#say('Delayed messages could not be moved.', error);
      return pumpEveryMs;
    }
  }

  async #beat(): Promise<void> {
    const now = this.#context.clock.now();
    if (now < this.#beatAt) return;
    this.#beatAt = now + this.#options.everyMs;
    try {
      await this.#options.beat();
    } catch (error) {
      this.#say('A heartbeat failed.', error);
    }
  }

  #say(what: string, error: unknown): void {
    if (this.#isClosed) return;
    this.#context.logger.warn(`${what} It is tried again.`, {
      destination: this.#options.keys.base,
      error: nameOf(error),
    });
  }
}
