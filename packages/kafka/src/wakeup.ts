import type { Clock } from '@anymq/core/driver';

/** Lets one caller wait until something happens. */
export class Wakeup {
  readonly #clock: Clock;
  #resolve: (() => void) | undefined;
  #isPending = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  wake(): void {
    this.#isPending = true;
    this.#resolve?.();
  }

  /** Resolves when woken, also before the call; at `until`; and when aborted. */
  async wait(until: number, signal: AbortSignal): Promise<void> {
    if (!this.#isPending && !signal.aborted) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#resolve = resolve;
      const onAbort = (): void => resolve();
      signal.addEventListener('abort', onAbort, { once: true });
      const timer = this.#clock.setTimeout(resolve, Math.max(0, Math.min(until - this.#clock.now(), 2_147_483_647)));
      await promise;
      this.#clock.clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      this.#resolve = undefined;
    }
    this.#isPending = false;
  }
}
