/** Counts what has begun and not yet ended: a library's handler acknowledges a little after ours has returned. */
export class Underway {
  #running = 0;
  #none = Promise.withResolvers<void>();

  async run(work: () => Promise<void>): Promise<void> {
    this.#running += 1;
    try {
      await work();
    } finally {
      if ((this.#running -= 1) === 0) {
        this.#none.resolve();
        this.#none = Promise.withResolvers();
      }
    }
  }

  /** Resolves when nothing runs. */
  async none(): Promise<void> {
    if (this.#running > 0) await this.#none.promise;
  }
}
