/** Messages that wait, are delayed or are in a receiver's hands, over all groups of a broker. */
export class PendingCount {
  #count = 0;
  readonly #idleWaiters = new Set<() => void>();

  get value(): number {
    return this.#count;
  }

  add(count: number): void {
    this.#count += count;
  }

  remove(count: number): void {
    this.#count -= count;
    if (this.#count > 0) return;
    for (const resolve of this.#idleWaiters) resolve();
    this.#idleWaiters.clear();
  }

  /** Resolves at 0. Rejects with the signal's reason. */
  async zero(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    if (this.#count === 0) return;
    let resolve = (): void => undefined;
    let abort = (): void => undefined;
    try {
      await new Promise<void>((fulfil, reject) => {
        resolve = fulfil;
        abort = () => reject(signal?.reason as Error);
        this.#idleWaiters.add(resolve);
        signal?.addEventListener('abort', abort, { once: true });
      });
    } finally {
      this.#idleWaiters.delete(resolve);
      signal?.removeEventListener('abort', abort);
    }
  }
}
