import type { Clock, Timer } from '../clock.ts';
import type { Token } from '../message.ts';
import type { Job } from './job.ts';

export interface LeaseKeeperContext {
  readonly clock: Clock;
  readonly leaseMs: number;
  readonly maxRunMs: number;
  /** Everything in our hands. */
  jobs(): Iterable<Job>;
  count(): number;
  extend(tokens: readonly Token[]): Promise<void>;
  /** The extension failed; it is tried again in the next round. */
  onError(error: unknown): void;
  /** A handler has run for as long as the driver can keep a lease. */
  onOverdue(job: Job): void;
}

/** A call that hangs must not let every lease run out; more than a few would pile up. */
const maxExtending = 3;

/** Extends the leases of what is in our hands, four times per lease, with one timer, and none while nothing is. */
export class LeaseKeeper {
  readonly #context: LeaseKeeperContext;
  readonly #everyMs: number;
  #timer: Timer | undefined;
  #extending = 0;

  constructor(context: LeaseKeeperContext) {
    this.#context = context;
    this.#everyMs = context.leaseMs / 4;
  }

  /** Called when something came into our hands. */
  arm(): void {
    this.#timer ??= this.#context.clock.setTimeout(this.#tick, this.#everyMs);
  }

  stop(): void {
    this.#context.clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  readonly #tick = (): void => {
    this.#timer = undefined;
    if (this.#context.count() === 0) return;
    this.arm();
    const { leaseMs, maxRunMs } = this.#context;
    const now = this.#context.clock.now();
    const due: Job[] = [];
    for (const job of [...this.#context.jobs()]) {
      if (job.state === 'running' && now - job.startedAt >= maxRunMs) this.#context.onOverdue(job);
      // What came or was extended since the last round has most of its lease before it.
      else if (job.leaseUntil - now <= leaseMs - this.#everyMs) due.push(job);
    }
    if (due.length > 0 && this.#extending < maxExtending) void this.#extend(due, now + leaseMs);
  };

  async #extend(jobs: readonly Job[], until: number): Promise<void> {
    this.#extending++;
    try {
      await this.#context.extend(jobs.map((job) => job.token));
      for (const job of jobs) job.leaseUntil = until;
    } catch (error) {
      this.#context.onError(error);
    }
    this.#extending--;
  }
}
