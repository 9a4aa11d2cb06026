import type { Limits } from '../capabilities.ts';
import type { Clock, Timer } from '../clock.ts';
import type { SendOutcome, Sender } from '../driver-interface.ts';
import type { AnymqError, SendUncertainty } from '../errors.ts';
import { Ring } from '../ring.ts';
import { waitBackoff } from '../wait-backoff.ts';
import type { WrappedError } from '../wrap-later.ts';
import { Batch } from './batch.ts';
import type { KeyGate } from './key-gate.ts';
import { LiveEntries } from './live-entries.ts';
import { closed, missingOutcome, timedOut } from './send-errors.ts';
import type { SendEntry } from './send-entry.ts';

export interface BatcherContext {
  readonly clock: Clock;
  readonly random: () => number;
  readonly limits: Limits;
  readonly lingerMs: number;
  /** Provisions and opens; called again after it rejected. */
  openSender(): Promise<Sender>;
  /** `outcome` is what is known of the messages, where the driver does not say. Never rejects. */
  wrap(error: unknown, outcome: SendUncertainty): Promise<WrappedError>;
  onRetry(messages: number, error: AnymqError): void;
}

interface Unconfirmed {
  readonly entry: SendEntry;
  /** The driver's own. */
  readonly error: unknown;
}

interface Failed {
  readonly entry: SendEntry;
  readonly wrapped: WrappedError;
}

/**
 * Merges concurrent sends into batches, sends again what failed for a passing reason, and ends every entry exactly
 * once: confirmed, failed for good, or overdue. A batch that is not full is sent at once while fewer than two are in
 * flight; otherwise it grows until one returns.
 */
export class Batcher {
  /** Of a producer whose messages may have keys. */
  keys: KeyGate | undefined;
  readonly #context: BatcherContext;
  readonly #ready: Ring<SendEntry> = new Ring();
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
    this.#live = new LiveEntries(context.clock, (overdue) =>
      this.#endEarly(overdue, ({ offered }) => timedOut(offered, this.#lastFailure)),
    );
  }

  useKeys(Gate: typeof KeyGate): void {
    this.keys = new Gate(this.#ready, !this.#context.limits.atomicBatch);
  }

  add(entry: SendEntry): void {
    const { key } = entry.message;
    this.#live.add(entry);
    if (key === undefined || this.keys === undefined) this.#ready.push(entry);
    else this.keys.add(entry, key);
    // A batch that is full does not linger.
    if (this.#ready.length === this.#context.limits.maxBatchMessages) this.#schedule(0);
    else if (!this.#scheduled) this.#schedule(this.#context.lingerMs);
  }

  /** Ends an entry early. One that a driver has may still arrive. */
  abandon(entry: SendEntry, error: AnymqError): void {
    if (!entry.done) this.#endEarly([entry], () => error);
  }

  /** Resolves when everything that was added before has ended. */
  flush(): Promise<void> {
    this.#schedule(0);
    return this.#live.flushed();
  }

  /** Ends what is left and closes the sender. The raw error of the sender's close is the caller's to wrap. */
  async close(): Promise<void> {
    const { clock } = this.#context;
    this.#closed = true;
    this.#endEarly(this.#live.left(), ({ offered }) => closed(offered));
    clock.clearTimeout(this.#pause);
    clock.clearTimeout(this.#linger);
    await this.#opening;
    await this.#sender?.close();
  }

  #schedule(lingerMs: number): void {
    this.#scheduled = true;
    this.#context.clock.clearTimeout(this.#linger);
    if (lingerMs > 0) this.#linger = this.#context.clock.setTimeout(this.#pump, lingerMs);
    else queueMicrotask(this.#pump);
  }

  readonly #pump = (): void => {
    this.#scheduled = false;
    if (this.#closed || this.#pause !== undefined || this.#ready.length === 0) return;
    if (this.#sender === undefined) {
      this.#opening ??= this.#open();
      return;
    }
    const { maxBatchesInFlight, maxBatchMessages } = this.#context.limits;
    while (this.#batches.size < maxBatchesInFlight && this.#ready.length > 0) {
      if (this.#batches.size >= 2 && this.#ready.length < maxBatchMessages) return;
      const batch = this.#fill();
      // Those that it came upon have failed before they were sent.
      if (batch.entries.length === 0) {
        this.#live.sweep();
        return;
      }
      void this.#send(this.#sender, batch);
    }
  };

  async #open(): Promise<void> {
    try {
      this.#sender = await this.#context.openSender();
      this.#recovered();
    } catch (error) {
      const wrapped = await this.#context.wrap(error, 'not-sent');
      this.#lastFailure = wrapped.error;
      if (wrapped.error.retryable) this.#pauseFor(wrapped.retryAfterMs);
      else for (const entry of this.#ready.takeAll()) this.#failUntaken(entry, wrapped.error);
    }
    this.#opening = undefined;
    this.#afterProgress();
  }

  #fill(): Batch {
    const { maxBatchMessages, maxBatchBytes } = this.#context.limits;
    const batch = new Batch();
    while (batch.entries.length < maxBatchMessages) {
      const entry = this.#ready.peek();
      if (entry === undefined || (batch.entries.length > 0 && batch.bytes + entry.bytes > maxBatchBytes)) break;
      this.#ready.shift();
      const conflict = this.keys?.failedBefore(entry);
      if (entry.done) {
        this.keys?.drop(entry);
      } else if (conflict !== undefined) {
        this.#failUntaken(entry, conflict);
      } else if (this.keys?.take(entry, batch) !== false) {
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
    const failed = this.#endConfirmed(batch, outcomes, failure);
    if (failed.length > 0) await this.#sortOut(failed);
    else this.#recovered();
    this.#afterProgress();
  }

  /** Those that were not confirmed, in order, with what the driver said. */
  #endConfirmed(batch: Batch, outcomes: readonly SendOutcome[] | undefined, failure: unknown): readonly Unconfirmed[] {
    const failed: Unconfirmed[] = [];
    for (let index = 0; index < batch.entries.length; index++) {
      const entry = batch.entries[index] as SendEntry;
      const outcome = outcomes?.[index];
      if (!entry.done && outcome?.ok === true) {
        entry.done = true;
        entry.call.onSent(entry.index, outcome.receipt);
      } else if (!entry.done) {
        const unsaid = outcomes === undefined ? failure : missingOutcome();
        failed.push({ entry, error: outcome?.ok === false ? outcome.error : unsaid });
        continue;
      }
      this.keys?.release(entry);
    }
    return failed;
  }

  /** What failed for a passing reason is sent again; the rest has failed for good. */
  async #sortOut(failed: readonly Unconfirmed[]): Promise<void> {
    const again: Failed[] = [];
    let last: { readonly error: unknown; readonly wrapped: WrappedError } | undefined;
    for (const { entry, error } of failed) {
      if (last === undefined || last.error !== error)
        last = { error, wrapped: await this.#context.wrap(error, 'unknown') };
      const { wrapped } = last;
      if (!entry.done && wrapped.error.retryable) {
        again.push({ entry, wrapped });
      } else {
        if (!entry.done) this.#fail(entry, wrapped.error);
        this.keys?.release(entry);
      }
    }
    if (again.length > 0) this.#sendAgain(again);
    else this.#recovered();
  }

  #sendAgain(again: readonly Failed[]): void {
    for (const { entry, wrapped } of again.toReversed()) {
      entry.offered = wrapped.error.outcome !== 'not-sent';
      this.#ready.unshift(entry);
    }
    const { error } = (again[0] as Failed).wrapped;
    this.#lastFailure = error;
    this.#context.onRetry(again.length, error);
    this.#pauseFor(Math.max(...again.map(({ wrapped }) => wrapped.retryAfterMs ?? 0)));
  }

  #recovered(): void {
    this.#failures = 0;
    this.#lastFailure = undefined;
  }

  #pauseFor(wishMs: number | undefined): void {
    if (this.#closed) return;
    this.#pause ??= this.#context.clock.setTimeout(
      () => {
        this.#pause = undefined;
        this.#pump();
      },
      waitBackoff(++this.#failures, this.#context.random, wishMs),
    );
  }

  /** Nobody waits for these any longer, whatever the driver does. */
  #endEarly(entries: readonly SendEntry[], errorOf: (entry: SendEntry) => AnymqError): void {
    for (const entry of entries) this.#fail(entry, errorOf(entry));
    for (const batch of this.#batches) {
      if (!batch.entries.every(({ done }) => done)) continue;
      this.#batches.delete(batch);
      batch.abort();
      for (const entry of batch.entries) this.keys?.release(entry);
    }
    this.#afterProgress();
  }

  #afterProgress(): void {
    this.#live.sweep();
    if (this.#ready.length > 0 && !this.#scheduled) this.#schedule(0);
  }

  #failUntaken(entry: SendEntry, error: AnymqError): void {
    if (!entry.done) this.#fail(entry, error);
    this.keys?.drop(entry);
  }

  #fail(entry: SendEntry, error: AnymqError): void {
    this.keys?.markFailed(entry.call, entry.message.key, entry.index);
    entry.done = true;
    entry.call.onFailed(entry.index, error);
  }
}
