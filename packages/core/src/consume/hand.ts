import type { Token } from '../message.ts';
import type { Job } from './job.ts';

/** Every message in the hands of a consumer, by its delivery; and the handlers that still run for a lost one. */
export class Hand {
  readonly #jobs = new Map<Token, Job>();
  readonly #zombies = new Set<Job>();
  #bytes = 0;

  get size(): number {
    return this.#jobs.size;
  }
  get bytes(): number {
    return this.#bytes;
  }

  add(job: Job): void {
    this.#jobs.set(job.token, job);
    this.#bytes += job.bytes;
  }

  get(token: Token): Job | undefined {
    return this.#jobs.get(token);
  }

  remove(job: Job): void {
    if (this.#jobs.delete(job.token) || this.#zombies.delete(job)) this.#bytes -= job.bytes;
  }

  /** The delivery is no longer ours, but its handler still runs. */
  bury(job: Job): void {
    if (this.#jobs.delete(job.token)) this.#zombies.add(job);
  }

  /** The run that is under way for a message, of which another delivery came. */
  running(id: string): Job | undefined {
    for (const job of this.#zombies) if (job.received.id === id) return job;
    for (const job of this.#jobs.values()) if (job.state === 'running' && job.received.id === id) return job;
    return undefined;
  }

  jobs(): Iterable<Job> {
    return this.#jobs.values();
  }
  /** Also those of which the delivery was lost. */
  *runs(): Iterable<Job> {
    for (const job of this.#jobs.values()) if (job.state === 'running') yield job;
    yield* this.#zombies;
  }
}
