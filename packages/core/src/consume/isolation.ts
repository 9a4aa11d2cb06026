import { sleep } from '../clock.ts';
import type { Desk } from './desk.ts';
import { releaseUnstarted } from './give-up.ts';
import type { Job } from './job.ts';
import { setAside } from './outcomes.ts';

/**
 * A message that may have killed its process, from its turn until its run has ended: nothing else runs meanwhile. Loaded
 * when the first suspect is received, before it is in our hands.
 */
export class Isolation {
  readonly #desk: Desk;
  /** The mark is durable, or the driver needs none. */
  readonly #onMarked: () => void;
  #mayRun = false;
  #marking: AbortController | undefined;
  job: Job | undefined = undefined;

  constructor(desk: Desk, onMarked: () => void) {
    this.#desk = desk;
    this.#onMarked = onMarked;
  }

  /** False where the message has killed too many processes: it is dead-lettered. */
  begin(job: Job): boolean {
    const { context, settings } = this.#desk;
    const { crashCount } = job.received;
    if (crashCount >= settings.crashLimit) {
      setAside(this.#desk, job);
      return false;
    }
    this.job = job;
    this.#mayRun = context.receiver.markStarted === undefined;
    this.#desk.tell('suspect', job, { crashCount });
    context.onRefetch();
    void releaseUnstarted(this.#desk, false);
    return true;
  }

  /** Leaves no timer. */
  stop(): void {
    this.#marking?.abort();
  }

  /** The message, when nothing else runs any more and its mark is durable. */
  take(): Job | undefined {
    const { job } = this;
    if (job === undefined || this.#desk.running > 0 || job.state !== 'ready') return undefined;
    if (this.#mayRun) return job;
    void this.#mark(job);
    return undefined;
  }

  async #mark(job: Job): Promise<void> {
    const { context, settings } = this.#desk;
    this.#mayRun = true;
    job.state = 'new';
    const marking = new AbortController();
    this.#marking = marking;
    try {
      // A mark that hangs must not stop the consumer for ever.
      const late = sleep(context.clock, settings.leaseMs, marking.signal);
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
