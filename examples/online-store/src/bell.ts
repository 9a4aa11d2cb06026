export interface WaitOptions {
  /** Said when nothing happens any more: what is still missing. */
  readonly missing: () => string;
  /** How long nothing at all may happen. */
  readonly stallMs: number;
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

  /** Resolves once `done()`. Rejects with the signal's reason, or when nothing rings for `stallMs`. */
  until(done: () => boolean, { missing, stallMs, signal }: WaitOptions): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = (settle: () => void): void => {
        stopWatching();
        this.#waiting.delete(look);
        signal.removeEventListener('abort', abort);
        settle();
      };
      const look = (): void => (done() ? end(resolve) : undefined);
      const abort = (): void => end(() => reject(signal.reason as Error));
      const stopWatching = this.#watch(stallMs, () => end(() => reject(stalled(stallMs, missing()))));
      this.#waiting.add(look);
      signal.addEventListener('abort', abort, { once: true });
      if (signal.aborted) abort();
      else look();
    });
  }

  #watch(stallMs: number, onStall: () => void): () => void {
    const start = performance.now();
    const watch = (): void => {
      const restMs = Math.max(start, this.#lastRing) + stallMs - performance.now();
      if (restMs <= 0) onStall();
      else timer = setTimeout(watch, restMs);
    };
    let timer = setTimeout(watch, stallMs);
    return () => clearTimeout(timer);
  }
}

function stalled(stallMs: number, missing: string): Error {
  return new Error(`Nothing has happened for ${stallMs / 1000} s. Still missing: ${missing}`);
}
