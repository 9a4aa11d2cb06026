import { sleep } from '../clock.ts';
import type { Desk } from './desk.ts';
import { releaseUnstarted } from './give-up.ts';
import type { Job } from './job.ts';
import { setAside } from './outcomes.ts';

/** So few, because a death leaves each of them to run alone, and brokers have little room for marks. */
const mostTogether = 10;

/**
 * Messages that may have killed their process, from their turn until their runs have ended: nothing else runs meanwhile. All
 * that was fetched beside a death is suspect, and nearly all of it innocent, so the first run of suspects is in the company of
 * others; a death then counts for each of these few, and from there on each runs alone. Where a single death is the limit,
 * there is no company. Loaded when the first suspect is received, before it is in our hands.
 */
export class Isolation {
  readonly #desk: Desk;
  /** The marks are durable, or the driver needs none. */
  readonly #onMarked: () => void;
  readonly #jobs = new Set<Job>();
  #mayRun = false;
  #marking: AbortController | undefined;
  /** How many more to fetch when these have ended. */
  atOnce = 1;

  constructor(desk: Desk, onMarked: () => void) {
    this.#desk = desk;
    this.#onMarked = onMarked;
  }

  get isOn(): boolean {
    return this.#jobs.size > 0;
  }

  /** `next`: what else is ready. False where the message has killed too many processes: it is dead-lettered. */
  begin(job: Job, next: () => Job | undefined): boolean {
    const { context, settings } = this.#desk;
    const { crashCount } = job.received;
    if (crashCount >= settings.crashLimit) {
      setAside(this.#desk, job);
      return false;
    }
    const mayHaveCompany = crashCount === 0 && settings.crashLimit > 1;
    this.atOnce = mayHaveCompany ? Math.min(mostTogether, settings.concurrency * settings.maxMessages) : 1;
    this.#jobs.add(job);
    if (mayHaveCompany) this.#gather(next);
    this.#mayRun = context.receiver.markStarted === undefined;
    for (const each of this.#jobs) this.#desk.tell('suspect', each, { crashCount });
    context.onRefetch();
    // For others to have meanwhile. Of an order by key they would have to wait too, and what goes back is fetched once more.
    if (this.#desk.lanes === undefined) void releaseUnstarted(this.#desk, false);
    return true;
  }

  /** It has ended, or is not ours any more. True when it was the last. */
  leave(job: Job): boolean {
    return this.#jobs.delete(job) && !this.isOn;
  }

  /** As `leave`, of those that were lost or went back. One that still runs may still take the process down, and stays. */
  leaveLost(): boolean {
    const lost = [...this.#jobs].filter(({ state }) => state === 'done' || state === 'settling');
    return lost.map((job) => this.leave(job)).includes(true);
  }

  giveBack(): void {
    for (const job of this.#jobs) if (job.state === 'ready') this.#desk.giveBack(job);
  }

  /** Leaves no timer. */
  stop(): void {
    this.#marking?.abort();
  }

  /** The next of them, when nothing else runs any more and their marks are durable. */
  take(): Job | undefined {
    const jobs = [...this.#jobs];
    const job = jobs.find(({ state }) => state === 'ready');
    const own = jobs.filter(({ state }) => state === 'running').length;
    if (job === undefined || this.#desk.running > own) return undefined;
    if (this.#mayRun) return job;
    void this.#mark(jobs);
    return undefined;
  }

  #gather(next: () => Job | undefined): void {
    const others: Job[] = [];
    for (let job = next(); job !== undefined; job = next()) {
      const { suspect, crashCount } = job.received;
      if (suspect === true && crashCount === 0 && this.#jobs.size < this.atOnce) this.#jobs.add(job);
      else others.push(job);
    }
    for (const job of others) this.#desk.ready.push(job);
  }

  async #mark(jobs: readonly Job[]): Promise<void> {
    const { context, settings } = this.#desk;
    this.#mayRun = true;
    for (const job of jobs) job.state = 'new';
    const marking = new AbortController();
    this.#marking = marking;
    try {
      // A mark that hangs must not stop the consumer for ever.
      const late = sleep(context.clock, settings.leaseMs, marking.signal);
      await Promise.race([context.receiver.markStarted?.(jobs.map(({ token }) => token)), late]);
    } catch (error) {
      // Run unmarked rather than not at all: the next death is then not counted.
      context.onTrouble('lease', jobs.length, error);
    }
    marking.abort();
    for (const job of jobs) if (job.state === 'new') job.state = 'ready';
    this.#onMarked();
  }
}
