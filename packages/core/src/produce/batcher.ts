import type { Limits } from '../capabilities.ts';
import type { Clock, Timer } from '../clock.ts';
import type { SendOutcome, Sender } from '../driver-interface.ts';
import type { AnymqError, SendUncertainty } from '../errors.ts';
import { waitBackoff } from '../wait-backoff.ts';
import type { WrappedError } from '../wrap-error.ts';
import { Batch } from './batch.ts';
import { KeyGate } from './key-gate.ts';
import { LiveEntries } from './live-entries.ts';
import { closed, conflict, missingOutcome, timedOut } from './send-errors.ts';
import { markFailed, type SendEntry } from './send-entry.ts';

export interface BatcherContext {
  readonly clock: Clock;
  readonly random: () => number;
  readonly limits: Limits;
  readonly lingerMs: number;
  /** Provisions and opens; called again after it rejected. */
  openSender(): Promise<Sender>;
  /** `outcome` is what is known of the messages, where the driver does not say. */
  wrap(error: unknown, outcome: SendUncertainty): WrappedError;
  onRetry(messages: number, error: AnymqError): void;
}

/**
 * Merges concurrent sends into batches, sends again what failed for a passing reason, and ends every entry exactly
 * once: confirmed, failed for good, or overdue. A batch that is not full is sent at once while fewer than two are in
 * flight; otherwise it grows until one returns.
 */
export class Batcher {
  readonly #context: BatcherContext;
  readonly #gate: KeyGate;
  readonly #live: LiveEntries;
  readonly #batches = new Set<Batch>();
  #sender: Sender | undefined;
  #opening: Promise<void> | undefined;
  #scheduled = false;
  #failures = 0;
  /** Why messages wait; the cause of those that do so for too long. */
  #lastFailure: AnymqError | undefined;
  #pause: Timer | undefined;
  #linger: Timer | undefined;
  #closed = false;

  constructor(context: BatcherContext) {
    this.#context = context;
    this.#gate = new KeyGate(!context.limits.atomicBatch);
    this.#live = new LiveEntries(context.clock, (overdue) => this.#expire(overdue));
  }

  add(entry: SendEntry): void {
    this.#live.add(entry);
    this.#gate.add(entry);
    if (!this.#scheduled) this.#schedule(this.#context.lingerMs);
  }

  /** Ends an entry early. One that a driver has may still arrive. */
  abandon(entry: SendEntry, error: AnymqError): void {
    if (entry.done) return;
    this.#fail(entry, error);
    this.#abortEmptyBatches();
    this.#afterProgress();
  }

  /** Resolves when everything that was added before has ended. */
  flush(): Promise<void> {
    return this.#live.flushed();
  }

  /** Ends what is left and closes the sender. The raw error of the sender's close is the caller's to wrap. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const entry of this.#live.takeAll()) this.#fail(entry, closed(entry.offered));
    this.#abortEmptyBatches();
    this.#afterProgress();
    this.#context.clock.clearTimeout(this.#pause);
    this.#context.clock.clearTimeout(this.#linger);
    await this.#opening;
    await this.#sender?.close();
  }

  #schedule(lingerMs: number): void {
    this.#scheduled = true;
    if (lingerMs > 0) this.#linger = this.#context.clock.setTimeout(this.#pump, lingerMs);
    else queueMicrotask(this.#pump);
  }

  readonly #pump = (): void => {
    this.#scheduled = false;
    if (this.#closed || this.#pause !== undefined || this.#gate.ready.length === 0) return;
    if (this.#sender === undefined) {
      this.#opening ??= this.#open();
      return;
    }
    const { maxBatchesInFlight, maxBatchMessages } = this.#context.limits;
    while (this.#batches.size < maxBatchesInFlight && this.#gate.ready.length > 0) {
      if (this.#batches.size >= 2 && this.#gate.ready.length < maxBatchMessages) return;
      const batch = this.#fill();
      // Those that it came upon have failed before they were sent.
      if (batch.entries.length === 0) return this.#live.sweep();
      void this.#send(this.#sender, batch);
    }
  };

  async #open(): Promise<void> {
    try {
      this.#sender = await this.#context.openSender();
      this.#recovered();
    } catch (error) {
      const wrapped = this.#context.wrap(error, 'not-sent');
      this.#lastFailure = wrapped.error;
      if (wrapped.error.retryable) this.#pauseFor(wrapped.retryAfterMs);
      else for (const entry of this.#gate.ready.takeAll()) this.#failUntaken(entry, wrapped.error);
    }
    this.#opening = undefined;
    this.#afterProgress();
  }

  #fill(): Batch {
    const { maxBatchMessages, maxBatchBytes } = this.#context.limits;
    const batch = new Batch();
    const { ready } = this.#gate;
    while (batch.entries.length < maxBatchMessages) {
      const entry = ready.peek();
      if (entry === undefined || (batch.entries.length > 0 && batch.bytes + entry.bytes > maxBatchBytes)) break;
      ready.shift();
      if (entry.done) {
        this.#gate.drop(entry);
      } else if (this.#failedBefore(entry)) {
        this.#failUntaken(entry, conflict(entry.offered));
      } else {
        this.#gate.take(entry);
        batch.add(entry);
      }
    }
    return batch;
  }

  async #send(sender: Sender, batch: Batch): Promise<void> {
    this.#batches.add(batch);
    let outcomes: readonly SendOutcome[] | undefined;
    let failure: unknown;
    try {
      outcomes = await sender.sendBatch(
        batch.entries.map((entry) => entry.message),
        batch,
      );
    } catch (error) {
      failure = error;
    }
    if (batch.settled) return;
    batch.settled = true;
    this.#batches.delete(batch);
    const again = this.#settle(batch, outcomes, failure);
    if (again.length > 0) this.#sendAgain(again);
    else this.#recovered();
    this.#afterProgress();
  }

  /** Ends what can be ended; what failed for a passing reason is returned, in order. */
  #settle(
    batch: Batch,
    outcomes: readonly SendOutcome[] | undefined,
    failure: unknown,
  ): { readonly entry: SendEntry; readonly wrapped: WrappedError }[] {
    const again: { readonly entry: SendEntry; readonly wrapped: WrappedError }[] = [];
    const whole = outcomes === undefined ? this.#context.wrap(failure, 'unknown') : undefined;
    for (let index = 0; index < batch.entries.length; index++) {
      const entry = batch.entries[index] as SendEntry;
      const outcome = outcomes?.[index];
      if (entry.done) {
        this.#gate.release(entry);
      } else if (outcome?.ok === true) {
        entry.done = true;
        this.#gate.release(entry);
        entry.call.onSent(entry.index, outcome.receipt);
      } else {
        const wrapped =
          whole ?? this.#context.wrap(outcome === undefined ? missingOutcome() : outcome.error, 'unknown');
        if (wrapped.error.retryable) again.push({ entry, wrapped });
        else this.#end(entry, wrapped.error);
      }
    }
    return again;
  }

  #sendAgain(again: readonly { readonly entry: SendEntry; readonly wrapped: WrappedError }[]): void {
    for (const { entry, wrapped } of again.toReversed()) {
      entry.offered = wrapped.error.outcome !== 'not-sent';
      this.#gate.ready.unshift(entry);
    }
    const [first] = again;
    if (first === undefined) return;
    this.#lastFailure = first.wrapped.error;
    this.#context.onRetry(again.length, first.wrapped.error);
    this.#pauseFor(Math.max(...again.map(({ wrapped }) => wrapped.retryAfterMs ?? 0)));
  }

  #recovered(): void {
    this.#failures = 0;
    this.#lastFailure = undefined;
  }

  #pauseFor(wishMs: number | undefined): void {
    if (this.#closed || this.#pause !== undefined) return;
    const delayMs = waitBackoff(++this.#failures, this.#context.random, wishMs);
    this.#pause = this.#context.clock.setTimeout(() => {
      this.#pause = undefined;
      this.#pump();
    }, delayMs);
  }

  /** Past their deadline: nobody waits for them any longer, whatever the driver does. */
  #expire(overdue: readonly SendEntry[]): void {
    for (const entry of overdue) this.#fail(entry, timedOut(entry.offered, this.#lastFailure));
    this.#abortEmptyBatches();
    this.#afterProgress();
  }

  #abortEmptyBatches(): void {
    for (const batch of this.#batches) {
      if (!batch.entries.every((entry) => entry.done)) continue;
      this.#batches.delete(batch);
      batch.abort();
      for (const entry of batch.entries) this.#gate.release(entry);
    }
  }

  #afterProgress(): void {
    this.#live.sweep();
    if (this.#gate.ready.length > 0 && !this.#scheduled) this.#schedule(0);
  }

  #failedBefore(entry: SendEntry): boolean {
    const { key } = entry.message;
    return key !== undefined && (entry.call.failedKeys?.get(key) ?? entry.index) < entry.index;
  }

  #failUntaken(entry: SendEntry, error: AnymqError): void {
    if (!entry.done) this.#fail(entry, error);
    this.#gate.drop(entry);
  }

  #fail(entry: SendEntry, error: AnymqError): void {
    markFailed(entry.call, entry.message.key, entry.index);
    entry.done = true;
    entry.call.onFailed(entry.index, error);
  }

  #end(entry: SendEntry, error: AnymqError): void {
    this.#fail(entry, error);
    this.#gate.release(entry);
  }
}
