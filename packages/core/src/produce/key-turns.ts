/**
 * With middleware, which may take its time: the messages of one key reach the batcher in the order of their call, each when
 * the one before was handed over or has failed.
 */
export class KeyTurns {
  readonly #last = new Map<string, Promise<void>>();

  /** `run` calls `end` as soon as the next one may go; it goes at the latest when `run` has ended. */
  async take<Result>(key: string, run: (end: () => void) => Promise<Result>): Promise<Result> {
    const before = this.#last.get(key);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#last.set(key, promise);
    await before;
    try {
      return await run(resolve);
    } finally {
      resolve();
    }
  }
}
