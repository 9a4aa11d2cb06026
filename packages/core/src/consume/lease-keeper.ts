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

/** A call that hangs must not let every lease run out; more than a few per lease would pile up. */
const maxCalls = 3;

/** Extends the leases of what is in our hands, four times per lease, with one timer, and none while nothing is. */
export class LeaseKeeper {
  readonly #context: LeaseKeeperContext;
  readonly #everyMs: number;
  #timer: Timer | undefined;
  readonly #calls = new Set<{ readonly since: number }>();

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
    for (const call of this.#calls) if (call.since + leaseMs <= now) this.#calls.delete(call);
    if (due.length > 0 && this.#calls.size < maxCalls) void this.#extend(due, now);
  };

  async #extend(jobs: readonly Job[], since: number): Promise<void> {
    const call = { since };
    this.#calls.add(call);
    try {
      await this.#context.extend(jobs.map((job) => job.token));
      const until = since + this.#context.leaseMs;
      for (const job of jobs) job.leaseUntil = Math.max(job.leaseUntil, until);
    } catch (error) {
      this.#context.onError(error);
    }
    this.#calls.delete(call);
  }
}
