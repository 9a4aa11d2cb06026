import { sleep, type Clock } from '../clock.ts';
import type { Receiver } from '../driver-interface.ts';
import type { AnymqError } from '../errors.ts';
import { waitBackoff } from '../wait-backoff.ts';
import type { WrappedError } from '../wrap-error.ts';
import { maxHandBytes } from './capacity.ts';
import type { Dispatcher } from './dispatcher.ts';

export interface FetchLoopContext {
  readonly clock: Clock;
  readonly random: () => number;
  readonly receiver: Receiver;
  readonly dispatcher: Dispatcher;
  wrap(error: unknown): WrappedError;
  /** The broker does not answer as it should, and is asked again; undefined: it does again. */
  onRecovering(error: AnymqError | undefined): void;
}

/** Handlers and brokers in one process could keep each other busy without an end: others get a turn after so long. */
const turnMs = 10;

/** Fetches as much as may be started, one call at a time, for as long as the consumer runs. */
export class FetchLoop {
  readonly #context: FetchLoopContext;
  #stopped = false;
  #failures = 0;
  #fetching: AbortController | undefined;
  readonly #stop = new AbortController();
  #resume: (() => void) | undefined;
  #fetchedAt: number;
  #yieldedAt: number = Date.now();

  constructor(context: FetchLoopContext) {
    this.#context = context;
    this.#fetchedAt = context.clock.now();
  }

  /** Resolves when it was stopped; with an error that no repetition mends, when there was one. */
  async run(): Promise<AnymqError | undefined> {
    while (!this.#stopped) {
      const error = await this.#turn();
      if (error !== undefined) return error;
      if (Date.now() - this.#yieldedAt >= turnMs) await this.#yield();
    }
    return undefined;
  }

  /** The pending fetch returns with what it has. */
  interrupt(): void {
    this.#fetching?.abort();
    this.#fetching = undefined;
  }

  /** Something has ended: more may be wanted. */
  wake(): void {
    if (this.#resume !== undefined && (this.#stopped || this.#mayFetch())) this.#resume();
  }

  stop(): void {
    this.#stopped = true;
    this.#stop.abort();
    this.interrupt();
    this.wake();
  }

  #mayFetch(): boolean {
    const { dispatcher } = this.#context;
    const { settings, settler } = dispatcher.desk;
    // What is on its way back to an ordered destination comes before what is fetched next.
    return (!settings.ordered || settler.releases === 0) && dispatcher.wanted() > 0;
  }

  async #turn(): Promise<AnymqError | undefined> {
    const { dispatcher } = this.#context;
    if (!this.#mayFetch()) {
      await this.#untilProgress();
      return undefined;
    }
    // Nothing is on its way back, and no fetch is under way: what comes now comes in order.
    dispatcher.desk.lanes.reopen();
    try {
      await this.#fetch(dispatcher.wanted());
      if (this.#failures > 0) this.#context.onRecovering(undefined);
      this.#failures = 0;
      return undefined;
    } catch (error) {
      return await this.#onFailure(error);
    }
  }

  async #fetch(maxMessages: number): Promise<void> {
    const { dispatcher, receiver, clock } = this.#context;
    this.#fetching ??= new AbortController();
    const { signal } = this.#fetching;
    const maxBytes = maxHandBytes - dispatcher.desk.hand.bytes;
    const batch = await receiver.receive({
      signal,
      maxMessages,
      maxBytes,
      pausedPartitions: dispatcher.desk.lanes.paused,
    });
    const now = clock.now();
    dispatcher.admit(batch, now - this.#fetchedAt);
    this.#fetchedAt = now;
  }

  async #onFailure(error: unknown): Promise<AnymqError | undefined> {
    if (this.#stopped) return undefined;
    const wrapped = this.#context.wrap(error);
    if (!wrapped.error.retryable) return wrapped.error;
    this.#failures++;
    this.#context.onRecovering(wrapped.error);
    await sleep(
      this.#context.clock,
      waitBackoff(this.#failures, this.#context.random, wrapped.retryAfterMs),
      this.#stop.signal,
    );
    return undefined;
  }

  async #untilProgress(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#resume = resolve;
      this.wake();
    });
    this.#resume = undefined;
  }

  async #yield(): Promise<void> {
    await new Promise<void>((resolve) => {
      setImmediate(resolve);
    });
    this.#yieldedAt = Date.now();
  }
}
