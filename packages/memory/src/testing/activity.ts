/** Handlers that run, whoever started them. While one runs, virtual time stands still. */
export class Activity {
  #running = 0;
  #waiters: (() => void)[] = [];

  get isRunning(): boolean {
    return this.#running > 0;
  }

  async track<T>(work: () => Promise<T>): Promise<T> {
    this.#running += 1;
    try {
      return await work();
    } finally {
      this.#running -= 1;
      this.signal();
    }
  }

  /** Resolves when a handler has ended, or something else was signalled. */
  changed(): Promise<void> {
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  signal(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const resolve of waiters) resolve();
  }
}
