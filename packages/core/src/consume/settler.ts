import type { Clock, Timer } from '../clock.ts';
import type { Receiver, Settlement, SettleOutcome, SettleResult } from '../driver-interface.ts';
import { Ring } from '../ring.ts';
import { waitBackoff } from '../wait-backoff.ts';
import type { Job } from './job.ts';

export interface SettlerContext {
  readonly clock: Clock;
  readonly random: () => number;
  readonly receiver: Receiver;
  /** 1 keeps the order of settlements. */
  readonly maxFlights: number;
  /** The broker has answered, whatever it said. */
  onAnswered(): void;
  /** Once per settlement that ended: confirmed, or the delivery was lost. */
  onSettled(job: Job, outcome: SettleOutcome, lost: boolean): void;
  /** Settlements failed and will be made again. */
  onFailed(messages: number, error: unknown): void;
}

const maxBatch = 1000;

/**
 * Merges settlements into batches and repeats what failed, as long as the delivery is ours. A batch that is not full
 * waits while another is in flight (with several flights: while two are).
 */
export class Settler {
  readonly #context: SettlerContext;
  readonly #queue: Ring<Job> = new Ring();
  #flights = 0;
  #unsettled = 0;
  #releases = 0;
  #scheduled = false;
  #pause: Timer | undefined;
  readonly #aside: Job[] = [];
  #asideTimer: Timer | undefined;
  #stopped = false;
  #waiters: { readonly until: () => boolean; readonly resolve: () => void }[] = [];

  constructor(context: SettlerContext) {
    this.#context = context;
  }

  /** Added and not yet ended. */
  get unsettled(): number {
    return this.#unsettled;
  }
  /** Releases among them. */
  get releases(): number {
    return this.#releases;
  }

  add(job: Job, outcome: SettleOutcome): void {
    this.#unsettled++;
    if (outcome.kind === 'release') this.#releases++;
    job.outcome = outcome;
    this.#queue.push(job);
    this.#schedule();
  }

  /** Resolves when everything has ended, or `stop` was called. */
  drained(): Promise<void> {
    return this.#until(() => this.#unsettled === 0);
  }

  /** Gives up what is left: the broker hands it to someone else when its lease runs out. */
  stop(): void {
    this.#stopped = true;
    this.#queue.clear();
    this.#context.clock.clearTimeout(this.#pause);
    this.#context.clock.clearTimeout(this.#asideTimer);
    this.#wake();
  }

  #until(condition: () => boolean): Promise<void> {
    if (condition() || this.#stopped) return Promise.resolve();
    return new Promise((resolve) => this.#waiters.push({ until: condition, resolve }));
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(this.#flush);
  }

  readonly #flush = (): void => {
    this.#scheduled = false;
    const { maxFlights } = this.#context;
    while (this.#queue.length > 0 && this.#pause === undefined && !this.#stopped && this.#flights < maxFlights) {
      if (this.#flights >= 2 && this.#queue.length < maxBatch) return;
      const batch = this.#take();
      if (batch.length > 0) void this.#settle(batch);
    }
  };

  #take(): Job[] {
    const batch: Job[] = [];
    // Releases of a lane go together: the broker must not hand out one of them while a later one is still here.
    while (batch.length < maxBatch || this.#queue.peek()?.outcome.kind === 'release') {
      const job = this.#queue.shift();
      if (job === undefined) break;
      if (job.lost) this.#end(job, true);
      else batch.push(job);
    }
    return batch;
  }

  async #settle(batch: readonly Job[]): Promise<void> {
    this.#flights++;
    const items: Settlement[] = [];
    for (const { token, outcome } of batch) items.push({ token, outcome });
    let results: readonly SettleResult[] | undefined;
    let failure: unknown;
    try {
      results = await this.#context.receiver.settleBatch(items);
    } catch (error) {
      failure = error;
    }
    this.#flights--;
    if (this.#stopped) return;
    this.#context.onAnswered();
    const failed: Job[] = [];
    for (let index = 0; index < batch.length; index++) {
      const job = batch[index] as Job;
      const result = results?.[index];
      if (result?.ok === true) this.#end(job, false);
      else if (job.lost || (result !== undefined && result.reason === 'lost')) this.#end(job, true);
      else {
        failed.push(job);
        failure ??= result?.error;
      }
    }
    if (failed.length > 0) this.#context.onFailed(failed.length, failure);
    if (results === undefined) this.#pauseWith(failed);
    else this.#setAside(failed);
    this.#wake();
    if (this.#queue.length > 0) this.#schedule();
  }

  /** The broker is in trouble: everything waits. */
  #pauseWith(failed: readonly Job[]): void {
    this.#putBack(failed);
    if (this.#pause !== undefined) return;
    this.#pause = this.#context.clock.setTimeout(() => {
      this.#pause = undefined;
      this.#flush();
    }, this.#backoff(failed));
  }

  /** Single messages are in trouble: they wait, each longer every time, and hold up nothing else. */
  #setAside(failed: readonly Job[]): void {
    if (failed.length === 0) return;
    this.#aside.push(...failed);
    this.#asideTimer ??= this.#context.clock.setTimeout(() => {
      this.#asideTimer = undefined;
      this.#putBack(this.#aside.splice(0));
      this.#flush();
    }, this.#backoff(failed));
  }

  #backoff(failed: readonly Job[]): number {
    let failures = 0;
    for (const job of failed) failures = Math.max(failures, ++job.settleFailures);
    return waitBackoff(failures, this.#context.random);
  }

  #putBack(jobs: readonly Job[]): void {
    for (const job of jobs.toReversed()) this.#queue.unshift(job);
  }

  #end(job: Job, lost: boolean): void {
    this.#unsettled--;
    if (job.outcome.kind === 'release') this.#releases--;
    this.#context.onSettled(job, job.outcome, lost);
  }

  #wake(): void {
    if (this.#waiters.length === 0) return;
    const waiters = this.#waiters;
    this.#waiters = waiters.filter(({ until }) => !this.#stopped && !until());
    for (const waiter of waiters) if (!this.#waiters.includes(waiter)) waiter.resolve();
  }
}
