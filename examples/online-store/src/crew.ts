import type { Consumer } from '@anymq/core';

/** All consumers of a run. When one of them fails for good, nobody should wait for what it will not do. */
export class Crew {
  readonly #consumers: Consumer[] = [];
  readonly #onFailure: (error: unknown) => void;

  constructor(onFailure: (error: unknown) => void) {
    this.#onFailure = onFailure;
  }

  async start(consumers: readonly Consumer[]): Promise<void> {
    this.#consumers.push(...consumers);
    for (const consumer of consumers) consumer.finished.catch(this.#onFailure);
    await Promise.all(consumers.map((consumer) => consumer.start()));
  }

  /** Running handlers end first. Twice is safe. */
  async stop(deadlineMs: number): Promise<void> {
    await Promise.all(this.#consumers.map((consumer) => consumer.stop({ deadlineMs })));
  }
}
