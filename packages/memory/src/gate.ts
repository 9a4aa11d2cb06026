import { MemoryBrokerError } from './errors.ts';

interface Waiting {
  readonly proceed: () => void;
  readonly fail: (error: Error) => void;
}

/** Holds calls back while the broker is paused. */
export class Gate {
  readonly #waiting = new Set<Waiting>();

  /** Resolves at `open`; rejects at `fail` and when the signal aborts. */
  wait(signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = (): void => {
        this.#waiting.delete(waiting);
        signal?.removeEventListener('abort', abort);
      };
      const waiting: Waiting = {
        proceed: () => (end(), resolve()),
        fail: (error) => (end(), reject(error)),
      };
      const abort = (): void => waiting.fail(new MemoryBrokerError('CALL_ABORTED', 'The call was aborted.'));
      if (signal?.aborted === true) return reject(new MemoryBrokerError('CALL_ABORTED', 'The call was aborted.'));
      this.#waiting.add(waiting);
      signal?.addEventListener('abort', abort, { once: true });
    });
  }

  open(): void {
    for (const { proceed } of this.#waiting) proceed();
  }

  fail(error: Error): void {
    for (const { fail } of this.#waiting) fail(error);
  }
}
