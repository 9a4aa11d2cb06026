import type { Timer } from '@anymq/core/driver';
import { Station } from './drain-station.ts';
import type { SharedContext } from './driver-context.ts';
import { asError } from './errors.ts';
import { within } from './receiving.ts';

const closeWithinMs = 2000;
const longestBackoffMs = 5000;

/** Moves delayed messages on, as long as somebody receives. One for a driver; what fails is tried again for ever. */
export class Drain {
  readonly #context: SharedContext;
  #users = 0;
  #station: Promise<Station | undefined> | undefined;
  #failures = 0;
  #again: Timer;

  constructor(context: SharedContext) {
    this.#context = context;
  }

  /** Returns what ends it, which may be called twice. */
  join(): () => Promise<void> {
    this.#users += 1;
    if (this.#users === 1) this.#start();
    let hasLeft = false;
    return async () => {
      if (hasLeft) return;
      hasLeft = true;
      this.#users -= 1;
      if (this.#users === 0) await this.close();
    };
  }

  async close(): Promise<void> {
    this.#context.clock.clearTimeout(this.#again);
    const station = this.#station;
    this.#station = undefined;
    if (station === undefined) return;
    const closing = station.then((opened) => opened?.close());
    await within(this.#context.clock, closeWithinMs, closing);
  }

  #start(): void {
    const station: Promise<Station | undefined> = Station.open(this.#context, () => this.#restart(station)).then(
      (opened) => {
        this.#failures = 0;
        return opened;
      },
      (error: unknown) => {
        const { name } = asError(error);
        this.#context.logger.warn('anymq: delayed messages wait until their queues can be read', { error: name });
        this.#restart(station);
        return undefined;
      },
    );
    this.#station = station;
  }

  #restart(ended: Promise<Station | undefined>): void {
    if (this.#station !== ended) return;
    this.#station = undefined;
    const { clock } = this.#context;
    const backoffMs = Math.min(longestBackoffMs, 100 * 2 ** this.#failures);
    this.#failures += 1;
    this.#again = clock.setTimeout(() => this.#start(), backoffMs);
  }
}
