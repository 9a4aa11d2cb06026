/** Lets a waiting call look again. */
export class Wakeup {
  #pending: PromiseWithResolvers<void> | undefined;

  next(): Promise<void> {
    this.#pending ??= Promise.withResolvers();
    return this.#pending.promise;
  }

  wake(): void {
    this.#pending?.resolve();
    this.#pending = undefined;
  }
}
