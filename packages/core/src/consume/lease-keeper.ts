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
  #round = 1;
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
    this.#round++;
    const now = this.#context.clock.now();
    const tokens: Token[] = [];
    for (const job of this.#context.jobs()) {
      if (job.state === 'running' && now - job.startedAt >= this.#context.maxRunMs) this.#context.onOverdue(job);
      // What came since the last round has most of its lease before it.
      else if (job.leaseRound === 0) job.leaseRound = this.#round;
      else tokens.push(job.token);
    }
    if (tokens.length > 0 && this.#extending < maxExtending) void this.#extend(tokens);
  };

  async #extend(tokens: readonly Token[]): Promise<void> {
    this.#extending++;
    try {
      await this.#context.extend(tokens);
    } catch (error) {
      this.#context.onError(error);
    }
    this.#extending--;
  }
}
