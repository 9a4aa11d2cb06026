import type { Clock } from '../clock.ts';
import type { DeadLetterStore } from '../driver-interface.ts';
import { AnymqError } from '../errors.ts';

/** What a client gives to its dead-letter queues. */
export interface DeadLetterContext {
  /** Opened for each operation, and closed at its end. */
  readonly openStore: () => Promise<DeadLetterStore>;
  readonly clock: Clock;
  /** Bounds a call of the store, and makes its raw error an AnymqError. */
  readonly call: <T>(work: () => Promise<T>) => Promise<T>;
  /** Hears what fails where nobody waits for it: in a watch, and when a store is closed. Must not throw or reject. */
  readonly onTrouble: (what: 'watch' | 'close', error: unknown) => unknown;
  /** Aborts when the client closes. */
  readonly signal: AbortSignal;
  /** Most letters of one call to the store: 1 to 100, which is the default. */
  readonly maxBatchMessages?: number | undefined;
}

/** @throws CLOSED */
export function requireOpen({ signal }: DeadLetterContext): void {
  if (signal.aborted) throw new AnymqError('CLOSED', 'The client is closed. Connect again.');
}
