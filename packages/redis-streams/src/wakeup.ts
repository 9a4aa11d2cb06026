/** Wakes whoever waits. */
export class Wakeup {
  #waiter: PromiseWithResolvers<void> | undefined;

  /** Resolves at the next `wake`. */
  next(): Promise<void> {
    this.#waiter ??= Promise.withResolvers();
    return this.#waiter.promise;
  }

  wake(): void {
    this.#waiter?.resolve();
    this.#waiter = undefined;
  }
}
