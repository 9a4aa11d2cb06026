export interface WaitOptions {
  /** Said when nothing happens any more: what is still missing. */
  readonly missing: () => string;
  /** How long nothing at all may happen. */
  readonly patienceMs: number;
  readonly signal: AbortSignal;
}

/**
 * Wakes those who wait for something that is counted, so that nobody has to sleep and hope. Whoever counts rings; whoever
 * waits looks again at each ring.
 */
export class Bell {
  readonly #waiting = new Set<() => void>();
  #lastRing = performance.now();

  ring(): void {
    this.#lastRing = performance.now();
    for (const look of this.#waiting) look();
  }

  /** Resolves once `done()`. Rejects with the signal's reason, or when nothing rings for `patienceMs`. */
  until(done: () => boolean, { missing, patienceMs, signal }: WaitOptions): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = (settle: () => void): void => {
        stopWatching();
        this.#waiting.delete(look);
        signal.removeEventListener('abort', abort);
        settle();
      };
      const look = (): void => (done() ? end(resolve) : undefined);
      const abort = (): void => end(() => reject(signal.reason as Error));
      const stopWatching = this.#watch(patienceMs, () => end(() => reject(stalled(patienceMs, missing()))));
      this.#waiting.add(look);
      signal.addEventListener('abort', abort, { once: true });
      if (signal.aborted) abort();
      else look();
    });
  }

  #watch(patienceMs: number, onStall: () => void): () => void {
    const start = performance.now();
    const watch = (): void => {
      const restMs = Math.max(start, this.#lastRing) + patienceMs - performance.now();
      if (restMs <= 0) onStall();
      else timer = setTimeout(watch, restMs);
    };
    let timer = setTimeout(watch, patienceMs);
    return () => clearTimeout(timer);
  }
}

function stalled(patienceMs: number, missing: string): Error {
  return new Error(`Nothing has happened for ${patienceMs / 1000} s. Still missing: ${missing}`);
}
