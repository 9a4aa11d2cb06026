import type { DeadLetterStore, StoredLetter } from '../driver-interface.ts';
import { AnymqError } from '../errors.ts';
import { type DeadLetterContext, requireOpen } from './context.ts';

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
    const opening = context.call(context.openStore);
    const store = await unlessStopped(opening, stop);
    if (store !== undefined) return new StoreSession(context, store, stop);
    opening.then(
      (late) => closeStore(context, late),
      () => undefined, // Nobody waits for it any more, and there is nothing to close.
    );
    return stopped(context);
  }

  /** A look: given up when stopped. */
  async read<T extends object>(run: (store: DeadLetterStore) => Promise<T>): Promise<T> {
    this.requireGoing();
    const result = await unlessStopped(
      this.#context.call(() => run(this.#store)),
      this.stop,
    );
    return result ?? stopped(this.#context);
  }

  /** A change: always waited for, so that its outcome is known. */
  change<T>(run: (store: DeadLetterStore) => Promise<T>): Promise<T> {
    return this.#context.call(() => run(this.#store));
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

  /** What was done stands, whether or not the store closes well. Never rejects. */
  close(): Promise<void> {
    return closeStore(this.#context, this.#store);
  }
}

export function stopSignal({ signal: closed }: DeadLetterContext, signal?: AbortSignal): AbortSignal {
  return signal === undefined ? closed : AbortSignal.any([closed, signal]);
}

function requireGoing(context: DeadLetterContext, stop: AbortSignal): void {
  if (stop.aborted) stopped(context);
}

/** @throws CLOSED, ABORTED */
function stopped(context: DeadLetterContext): never {
  requireOpen(context);
  throw new AnymqError('ABORTED', 'The signal of this operation on dead letters has aborted it.');
}

async function closeStore(context: DeadLetterContext, store: DeadLetterStore): Promise<void> {
  try {
    await context.call(() => store.close());
  } catch (error) {
    context.onTrouble('close', error);
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
