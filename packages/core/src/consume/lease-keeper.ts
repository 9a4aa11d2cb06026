import type { Timer } from '../clock.ts';
import type { Desk } from './desk.ts';
import type { Job } from './job.ts';

/** Extends the leases of what is in our hands, four times per lease, with one timer, and none while nothing is. */
export class LeaseKeeper {
  readonly #desk: Desk;
  readonly #leaseMs: number;
  #timer: Timer | undefined;
  /** When the call began that is under way. */
  #since = -Infinity;

  constructor(desk: Desk) {
    this.#desk = desk;
    this.#leaseMs = desk.settings.leaseMs;
  }

  /** Called when something came into our hands. */
  arm(): void {
    this.#timer ??= this.#desk.context.clock.setTimeout(this.#tick, this.#leaseMs / 4);
  }

  stop(): void {
    this.#desk.context.clock.clearTimeout(this.#timer);
  }

  readonly #tick = (): void => {
    const desk = this.#desk;
    this.#timer = undefined;
    if (desk.size === 0) return;
    this.arm();
    const now = desk.now();
    const due: Job[] = [];
    for (const job of desk.jobs()) {
      if (job.state === 'running' && now - job.startedAt >= desk.context.limits.maxRunMs) desk.overrun(job);
      // What came or was extended since the last round has most of its lease before it.
      else if (job.leaseUntil - now <= this.#leaseMs * 0.75) due.push(job);
    }
    // A call that hangs must not let every lease run out, and more than a few would pile up.
    if (due.length > 0 && now - this.#since >= this.#leaseMs / 2) void this.#extend(due, now);
  };

  async #extend(jobs: readonly Job[], since: number): Promise<void> {
    const { context } = this.#desk;
    this.#since = since;
    try {
      await context.receiver.extendLease(jobs.map(({ token }) => token));
      for (const job of jobs) job.leaseUntil = Math.max(job.leaseUntil, since + this.#leaseMs);
    } catch (error) {
      // Tried again in the next round.
      context.onTrouble('lease', jobs.length, error);
    }
    if (this.#since === since) this.#since = -Infinity;
  }
}
