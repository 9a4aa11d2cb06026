import type { Timer } from '../clock.ts';
import type { SettleOutcome, SettleResult } from '../driver-interface.ts';
import { Ring } from '../ring.ts';
import { waitBackoff } from '../wait-backoff.ts';
import type { Desk, DeskContext } from './desk.ts';
import type { Job } from './job.ts';

const maxBatch = 1000;

/**
 * Merges settlements into batches and repeats what failed, as long as the delivery is ours. A batch that is not full
 * waits while another is in flight (with several flights: while two are).
 */
export class Settler {
  readonly #desk: Desk;
  readonly #context: DeskContext;
  readonly #maxFlights: number;
  readonly #queue: Ring<Job> = new Ring();
  #flights = 0;
  #scheduled = false;
  /** To be settled again when the timer fires. */
  readonly #aside: Job[] = [];
  #timer: Timer | undefined;
  #paused = false;
  #stopped = false;
  #drained: PromiseWithResolvers<void> | undefined;
  /** Added and not yet ended. */
  unsettled = 0;
  /** Releases among them. */
  releases = 0;

  /** One flight at a time keeps the order of settlements. */
  constructor(desk: Desk, maxFlights: number) {
    this.#desk = desk;
    this.#context = desk.context;
    this.#maxFlights = maxFlights;
  }

  add(job: Job, outcome: SettleOutcome): void {
    this.unsettled++;
    if (outcome.kind === 'release') this.releases++;
    job.outcome = outcome;
    this.#queue.push(job);
    this.#schedule();
  }

  /** Resolves when everything has ended, or `stop` was called. */
  async drained(): Promise<void> {
    if (this.unsettled === 0 || this.#stopped) return;
    this.#drained = Promise.withResolvers();
    await this.#drained.promise;
  }

  /** Gives up what is left: the broker hands it to someone else when its lease runs out. */
  stop(): void {
    const { clock } = this.#context;
    this.#stopped = true;
    this.#queue.clear();
    clock.clearTimeout(this.#timer);
    this.#drained?.resolve();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(this.#flush);
  }

  readonly #flush = (): void => {
    this.#scheduled = false;
    while (this.#queue.length > 0 && !this.#paused && !this.#stopped && this.#flights < this.#maxFlights) {
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
    let results: readonly SettleResult[] | undefined;
    let failure: unknown;
    try {
      results = await this.#context.receiver.settleBatch(batch.map(({ token, outcome }) => ({ token, outcome })));
    } catch (error) {
      failure = error;
    }
    this.#flights--;
    if (this.#stopped) return;
    this.#desk.now();
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
    if (failed.length > 0) {
      this.#context.onTrouble('settle', failed.length, failure);
      this.#tryAgain(failed, results === undefined);
    }
    if (this.#queue.length > 0) this.#schedule();
  }

  /** The broker is in trouble: everything waits. Single messages are: they wait, each longer every time, and hold up nothing else. */
  #tryAgain(failed: readonly Job[], all: boolean): void {
    const { clock, random } = this.#context;
    const failures = Math.max(...failed.map((job) => ++job.settleFailures));
    this.#aside.push(...failed);
    this.#paused ||= all;
    this.#timer ??= clock.setTimeout(
      () => {
        this.#timer = undefined;
        this.#paused = false;
        for (const job of this.#aside.splice(0).toReversed()) this.#queue.unshift(job);
        this.#flush();
      },
      waitBackoff(failures, random),
    );
  }

  #end(job: Job, lost: boolean): void {
    const { outcome } = job;
    this.unsettled--;
    if (outcome.kind === 'release') this.releases--;
    this.#context.onSettled(job, outcome, lost);
    if (this.unsettled === 0) this.#drained?.resolve();
  }
}
