import type { Destination } from '../destination.ts';
import type { SendOptions } from '../send-types.ts';
import { keyOf } from './send-options.ts';

/**
 * Where middleware or a schema takes its time: the messages of one key reach the batcher in the order of their calls, each
 * when the one before was handed over or has failed. What has no key waits for nothing.
 */
export class KeyTurns {
  readonly #destination: Destination;
  readonly #last = new Map<string, Promise<void>>();

  constructor(destination: Destination) {
    this.#destination = destination;
  }

  /** `run` calls `end` as soon as the next of these keys may go; they go at the latest when `run` has ended. */
  async take<Result>(
    keys: readonly (string | undefined)[],
    run: (end: () => void) => Promise<Result>,
  ): Promise<Result> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const own = new Set(keys.filter((key) => key !== undefined));
    const before: Promise<void>[] = [];
    for (const key of own) {
      const last = this.#last.get(key);
      if (last !== undefined) before.push(last);
      this.#last.set(key, promise);
    }
    await Promise.all(before);
    try {
      return await run(resolve);
    } finally {
      resolve();
      for (const key of own) if (this.#last.get(key) === promise) this.#last.delete(key);
    }
  }

  /** Of messages that are still being built. */
  takeOf<Result>(
    bodies: readonly unknown[],
    optionsOf: (index: number) => SendOptions | undefined,
    run: (end: () => void) => Promise<Result>,
  ): Promise<Result> {
    return this.take(
      bodies.map((body, index) => keyOf(this.#destination, body, optionsOf(index))),
      run,
    );
  }
}
