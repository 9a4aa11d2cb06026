import type { Limits } from '../capabilities.ts';
import type { Clock, Timer } from '../clock.ts';
import type { SendOutcome, Sender } from '../driver-interface.ts';
import { AnymqError } from '../errors.ts';
import { Ring } from '../ring.ts';
import { waitBackoff } from '../wait-backoff.ts';
import type { WrappedError } from '../wrap-error.ts';
import { KeyGate } from './key-gate.ts';
import { markFailed, type SendEntry } from './send-entry.ts';

export interface BatcherContext {
  readonly clock: Clock;
  readonly random: () => number;
  readonly limits: Limits;
  readonly lingerMs: number;
  /** Provisions and opens; called again after it rejected. */
  openSender(): Promise<Sender>;
  wrap(error: unknown): WrappedError;
  onRetry(messages: number, error: AnymqError): void;
}

/** A batch that a driver works on. Its signal is made when the driver first reads it. */
class Batch {
  readonly entries: SendEntry[] = [];
  bytes = 0;
  settled = false;
  #controller: AbortController | undefined;

  get signal(): AbortSignal {
    return (this.#controller ??= new AbortController()).signal;
  }
  abort(): void {
    this.settled = true;
    (this.#controller ??= new AbortController()).abort();
  }
}

/**
 * Merges concurrent sends into batches, sends again what failed for a passing reason, and ends every entry exactly
 * once: confirmed, failed for good, or overdue. A batch that is not full is sent at once while fewer than two are in
 * flight; otherwise it grows until one returns.
 */
export class Batcher {
  readonly #context: BatcherContext;
  readonly #gate: KeyGate;
  /** In the order of their deadlines, as they all have the same timeout. Ended ones are dropped from its head. */
  readonly #live: Ring<SendEntry> = new Ring();
  readonly #batches = new Set<Batch>();
  #sender: Sender | undefined;
  #opening: Promise<void> | undefined;
  #added = 0;
  #scheduled = false;
  #failures = 0;
  #pause: Timer | undefined;
  #deadlineTimer: Timer | undefined;
  #closed = false;
  #flushes: { readonly upTo: number; readonly resolve: () => void }[] = [];

  constructor(context: BatcherContext) {
    this.#context = context;
    this.#gate = new KeyGate(!context.limits.atomicBatch);
  }

  add(entry: SendEntry): void {
    entry.order = ++this.#added;
    this.#live.push(entry);
    this.#gate.add(entry);
    if (!this.#scheduled) this.#schedule();
    if (this.#deadlineTimer === undefined) this.#armDeadline();
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
    if (this.#live.length === 0) return Promise.resolve();
    return new Promise((resolve) => this.#flushes.push({ upTo: this.#added, resolve }));
  }

  /** Ends what is left and closes the sender. The raw error of the sender's close is the caller's to wrap. */
  async close(error: (offered: boolean) => AnymqError): Promise<void> {
    this.#closed = true;
    for (const entry of this.#live.takeAll()) if (!entry.done) this.#fail(entry, error(entry.offered));
    this.#abortEmptyBatches();
    this.#afterProgress();
    this.#context.clock.clearTimeout(this.#pause);
    this.#context.clock.clearTimeout(this.#deadlineTimer);
    await this.#opening;
    await this.#sender?.close();
  }

  #schedule(): void {
    this.#scheduled = true;
    if (this.#context.lingerMs > 0) this.#context.clock.setTimeout(this.#pump, this.#context.lingerMs);
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
      if (batch.entries.length === 0) return;
      void this.#send(this.#sender, batch);
    }
  };

  async #open(): Promise<void> {
    try {
      this.#sender = await this.#context.openSender();
      this.#failures = 0;
    } catch (error) {
      const wrapped = this.#context.wrap(error);
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
        entry.offered = true;
        batch.bytes += entry.bytes;
        batch.entries.push(entry);
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
    else this.#failures = 0;
    this.#afterProgress();
  }

  /** Ends what can be ended; what failed for a passing reason is returned, in order. */
  #settle(
    batch: Batch,
    outcomes: readonly SendOutcome[] | undefined,
    failure: unknown,
  ): { readonly entry: SendEntry; readonly wrapped: WrappedError }[] {
    const again: { readonly entry: SendEntry; readonly wrapped: WrappedError }[] = [];
    const whole = outcomes === undefined ? this.#context.wrap(failure) : undefined;
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
        const wrapped = whole ?? this.#context.wrap(outcome === undefined ? missingOutcome() : outcome.error);
        if (wrapped.error.retryable) again.push({ entry, wrapped });
        else this.#end(entry, wrapped.error);
      }
    }
    return again;
  }

  #sendAgain(again: readonly { readonly entry: SendEntry; readonly wrapped: WrappedError }[]): void {
    for (const { entry } of again.toReversed()) this.#gate.ready.unshift(entry);
    const [first] = again;
    if (first === undefined) return;
    this.#context.onRetry(again.length, first.wrapped.error);
    this.#pauseFor(Math.max(...again.map(({ wrapped }) => wrapped.retryAfterMs ?? 0)));
  }

  #pauseFor(wishMs: number | undefined): void {
    if (this.#closed || this.#pause !== undefined) return;
    const delayMs = waitBackoff(++this.#failures, this.#context.random, wishMs);
    this.#pause = this.#context.clock.setTimeout(() => {
      this.#pause = undefined;
      this.#pump();
    }, delayMs);
  }

  /** Past its deadline: nobody waits for it any longer, whatever the driver does. */
  readonly #expire = (): void => {
    this.#deadlineTimer = undefined;
    const now = this.#context.clock.now();
    for (
      let entry = this.#live.peek();
      entry !== undefined && (entry.done || entry.deadline <= now);
      entry = this.#live.peek()
    ) {
      this.#live.shift();
      if (!entry.done) this.#fail(entry, timedOut(entry.offered));
    }
    this.#abortEmptyBatches();
    this.#afterProgress();
    if (this.#live.length > 0) this.#armDeadline();
  };

  #armDeadline(): void {
    const oldest = this.#live.peek();
    if (oldest === undefined || this.#closed) return;
    const timer = this.#context.clock.setTimeout(
      this.#expire,
      Math.max(0, oldest.deadline - this.#context.clock.now()),
    );
    // Stays armed while idle, which is cheaper than a timer for each send; it alone keeps no process alive.
    (timer as { unref?: () => void } | undefined)?.unref?.();
    this.#deadlineTimer = timer;
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
    for (let entry = this.#live.peek(); entry?.done === true; entry = this.#live.peek()) this.#live.shift();
    if (this.#flushes.length > 0) this.#wakeFlushes();
    if (this.#gate.ready.length > 0 && !this.#scheduled) this.#schedule();
  }

  #wakeFlushes(): void {
    const endedUpTo = (this.#live.peek()?.order ?? this.#added + 1) - 1;
    const waiting = this.#flushes;
    this.#flushes = waiting.filter(({ upTo }) => upTo > endedUpTo);
    for (const { upTo, resolve } of waiting) if (upTo <= endedUpTo) resolve();
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

function timedOut(offered: boolean): AnymqError {
  const outcome = offered ? 'unknown' : 'not-sent';
  const text = offered
    ? 'The broker did not confirm the message in time; it may have it. Send again with the same id.'
    : 'The message could not be sent in time.';
  return new AnymqError('TIMEOUT', text, { outcome });
}

function conflict(offered: boolean): AnymqError {
  const outcome = offered ? 'unknown' : 'not-sent';
  return new AnymqError(
    'CONFLICT',
    'An earlier message of the same key failed, so this one was not sent. Send both again, in order.',
    { outcome },
  );
}

function missingOutcome(): AnymqError {
  return new AnymqError('UNKNOWN', 'The driver gave no outcome for a message of the batch.', { outcome: 'unknown' });
}
