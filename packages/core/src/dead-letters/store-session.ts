import type { Clock } from '../clock.ts';
import type { DeadLetterStore, StoredLetter } from '../driver-interface.ts';
import { AnymqError } from '../errors.ts';

/** What a client gives to its dead-letter queues. */
export interface DeadLetterContext {
  /** Opened for each operation, and closed at its end. */
  readonly openStore: () => Promise<DeadLetterStore>;
  readonly clock: Clock;
  /** Makes a raw error of the store an AnymqError. */
  readonly wrapError: (error: unknown) => AnymqError;
  /** Hears what fails in `watch`. Must not throw. */
  readonly onWatchError: (error: unknown) => void;
  /** Aborts when the client closes. */
  readonly signal: AbortSignal;
  /** Most letters of one call to the store: 1 to 100, which is the default. */
  readonly maxBatchMessages?: number | undefined;
}

/** A store that is open for one operation. Every call may reject with CLOSED or ABORTED, by who ended it. */
export class StoreSession {
  readonly #context: DeadLetterContext;
  readonly #store: DeadLetterStore;
  /** The client's signal and the operation's own. */
  readonly stop: AbortSignal;

  private constructor(context: DeadLetterContext, store: DeadLetterStore, stop: AbortSignal) {
    this.#context = context;
    this.#store = store;
    this.stop = stop;
  }

  static async open(context: DeadLetterContext, signal?: AbortSignal): Promise<StoreSession> {
    const stop = stopSignal(context, signal);
    requireGoing(context, stop);
    const opening = wrapped(context, context.openStore);
    const store = await unlessStopped(opening, stop);
    if (store !== undefined) return new StoreSession(context, store, stop);
    void opening.then((late) => late.close()).catch(() => undefined);
    throw stopError(context);
  }

  /** A look: given up when stopped. */
  async read<T extends object>(run: (store: DeadLetterStore) => Promise<T>): Promise<T> {
    this.requireGoing();
    const result = await unlessStopped(
      wrapped(this.#context, () => run(this.#store)),
      this.stop,
    );
    if (result === undefined) throw stopError(this.#context);
    return result;
  }

  /** A change: always waited for, so that its outcome is known. */
  change<T>(run: (store: DeadLetterStore) => Promise<T>): Promise<T> {
    return wrapped(this.#context, () => run(this.#store));
  }

  /** Oldest first, until the end. Letters may be removed between the pages. */
  async *pages(limit: number = Infinity): AsyncGenerator<readonly StoredLetter[]> {
    let cursor: string | undefined;
    do {
      const page = await this.read((store) => store.page(cursor, { limit: Math.min(limit, this.batchSize) }));
      yield page.letters;
      cursor = page.cursor;
    } while (cursor !== undefined);
  }

  get batchSize(): number {
    return Math.min(100, this.#context.maxBatchMessages ?? 100);
  }

  /** @throws CLOSED, ABORTED */
  requireGoing(): void {
    requireGoing(this.#context, this.stop);
  }

  /** What was done stands, whether or not the store closes well. */
  async close(): Promise<void> {
    await this.change((store) => store.close()).catch(() => undefined);
  }
}

export function stopSignal({ signal: closed }: DeadLetterContext, signal?: AbortSignal): AbortSignal {
  return signal === undefined ? closed : AbortSignal.any([closed, signal]);
}

/** @throws CLOSED, ABORTED */
export function requireGoing(context: DeadLetterContext, stop: AbortSignal): void {
  if (stop.aborted) throw stopError(context);
}

function stopError({ signal }: DeadLetterContext): AnymqError {
  return signal.aborted
    ? new AnymqError('CLOSED', 'The client is closed. Connect another one for its dead letters.')
    : new AnymqError('ABORTED', 'The signal of this operation on dead letters has aborted it.');
}

async function wrapped<T>({ wrapError }: DeadLetterContext, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw wrapError(error);
  }
}

/** Undefined when the signal comes first; what becomes of the promise then is nobody's concern. */
function unlessStopped<T>(promise: Promise<T>, stop: AbortSignal): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const give = (): void => resolve(undefined);
    stop.addEventListener('abort', give, { once: true });
    promise.then(resolve, reject).finally(() => stop.removeEventListener('abort', give));
  });
}
