import { sleep, type Clock } from '../clock.ts';
import type { Receiver } from '../driver-interface.ts';
import type { AnymqError } from '../errors.ts';
import type { Received } from '../message.ts';
import { waitBackoff } from '../wait-backoff.ts';
import type { WrappedError } from '../wrap-later.ts';
import { maxHandBytes } from './capacity.ts';
import type { Dispatcher } from './dispatcher.ts';

export interface FetchLoopContext {
  readonly clock: Clock;
  readonly random: () => number;
  readonly receiver: Receiver;
  readonly dispatcher: Dispatcher;
  /** Never rejects. */
  wrap(error: unknown): Promise<WrappedError>;
  /** The broker does not answer as it should, and is asked again; undefined: it does again. */
  onRecovering(error: AnymqError | undefined): void;
}

/** Handlers and brokers in one process could keep each other busy without an end: others get a turn after so long. */
const turnMs = 10;

/** Fetches as much as may be started, one call at a time, for as long as the consumer runs. What comes is admitted in its order. */
export class FetchLoop {
  readonly #context: FetchLoopContext;
  #failures = 0;
  #fetching: AbortController | undefined;
  /** The call after the one whose messages are being admitted. */
  #ahead: Promise<readonly Received[]> | undefined;
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
    let error: AnymqError | undefined;
    while (this.#ahead !== undefined || (!this.#stop.signal.aborted && error === undefined)) {
      if (this.#ahead !== undefined || this.#mayFetch()) error = (await this.#fetch()) ?? error;
      else await new Promise<void>((resolve) => (this.#resume = resolve));
      if (Date.now() - this.#yieldedAt >= turnMs) await this.#yield();
    }
    return error;
  }

  /** The pending fetch returns with what it has. */
  interrupt(): void {
    this.#fetching?.abort();
    this.#fetching = undefined;
  }

  /** Something has ended: more may be wanted. */
  wake(): void {
    if (this.#resume === undefined || (!this.#stop.signal.aborted && !this.#mayFetch())) return;
    this.#resume();
    this.#resume = undefined;
  }

  stop(): void {
    this.#stop.abort();
    this.interrupt();
    this.wake();
  }

  #mayFetch(): boolean {
    const { dispatcher } = this.#context;
    const { lanes, settler } = dispatcher.desk;
    // What is on its way back to an ordered destination comes before what is fetched next.
    return (lanes === undefined || settler.releases === 0) && dispatcher.wanted() > 0;
  }

  async #fetch(): Promise<AnymqError | undefined> {
    const { dispatcher, clock } = this.#context;
    const fetching = this.#ahead ?? this.#receive([]);
    this.#ahead = undefined;
    try {
      const batch = await fetching;
      const now = clock.now();
      this.#fetchAhead(batch);
      await dispatcher.admit(batch, now - this.#fetchedAt);
      this.#fetchedAt = now;
      if (this.#failures > 0) this.#context.onRecovering(undefined);
      this.#failures = 0;
      return undefined;
    } catch (error) {
      return await this.#onFailure(error);
    }
  }

  /** The broker reads on while these are decoded and handled. */
  #fetchAhead(coming: readonly Received[]): void {
    const { dispatcher } = this.#context;
    // What goes back to an ordered destination must be there before more is fetched.
    if (coming.length === 0 || dispatcher.desk.lanes !== undefined || dispatcher.wanted(coming) === 0) return;
    this.#ahead = this.#receive(coming);
    // Whoever awaits it is told.
    this.#ahead.catch(() => undefined);
  }

  async #receive(coming: readonly Received[]): Promise<readonly Received[]> {
    const { dispatcher, receiver } = this.#context;
    const { lanes, bytes } = dispatcher.desk;
    // Nothing is on its way back, and no fetch is under way: what comes now comes in order.
    lanes?.reopen();
    this.#fetching ??= new AbortController();
    return receiver.receive({
      signal: this.#fetching.signal,
      maxMessages: dispatcher.wanted(coming),
      // Half of the room: as much may be on its way to the desk.
      maxBytes: (maxHandBytes - bytes) >> 1,
      pausedPartitions: lanes?.paused,
    });
  }

  async #onFailure(failure: unknown): Promise<AnymqError | undefined> {
    const { clock, random } = this.#context;
    const { signal } = this.#stop;
    if (signal.aborted) return undefined;
    const { error, retryAfterMs } = await this.#context.wrap(failure);
    if (!error.retryable) return error;
    this.#context.onRecovering(error);
    await sleep(clock, waitBackoff(++this.#failures, random, retryAfterMs), signal);
    return undefined;
  }

  async #yield(): Promise<void> {
    await new Promise<void>((resolve) => {
      setImmediate(resolve);
    });
    this.#yieldedAt = Date.now();
  }
}
