import { sleep } from '../clock.ts';
import type { Desk } from './desk.ts';
import type { Job } from './job.ts';

/** A message that may have killed its process, from its turn until its run has ended: nothing else runs meanwhile. */
export class Isolation {
  readonly #desk: Desk;
  /** The mark is durable, or the driver needs none. */
  readonly #onMarked: () => void;
  #job: Job | undefined;
  #mayRun = false;
  #marking: AbortController | undefined;

  constructor(desk: Desk, onMarked: () => void) {
    this.#desk = desk;
    this.#onMarked = onMarked;
  }

  get job(): Job | undefined {
    return this.#job;
  }

  begin(job: Job): void {
    const { context, about } = this.#desk;
    const { id, crashCount } = job.received;
    this.#job = job;
    this.#mayRun = context.receiver.markStarted === undefined;
    context.emit({ type: 'suspect', ...about, id, crashCount });
  }

  end(): void {
    this.#job = undefined;
  }

  /** Leaves no timer. */
  stop(): void {
    this.#marking?.abort();
  }

  /** The message, when nothing else runs any more and its mark is durable. */
  take(): Job | undefined {
    const job = this.#job;
    if (job === undefined || this.#desk.running > 0 || job.state !== 'ready') return undefined;
    if (this.#mayRun) return job;
    void this.#mark(job);
    return undefined;
  }

  async #mark(job: Job): Promise<void> {
    const { context } = this.#desk;
    this.#mayRun = true;
    job.state = 'new';
    const marking = new AbortController();
    this.#marking = marking;
    try {
      // A mark that hangs must not stop the consumer for ever.
      const late = sleep(context.clock, this.#desk.settings.leaseMs, marking.signal);
      await Promise.race([context.receiver.markStarted?.([job.token]), late]);
    } catch (error) {
      // Run unmarked rather than not at all: its next death is then not counted.
      context.onTrouble('lease', 1, error);
    }
    marking.abort();
    if (job.state === 'new') job.state = 'ready';
    this.#onMarked();
  }
}
