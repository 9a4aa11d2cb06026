import type { Queryable, TransactionalDatabase, TransactionalPool } from '@anymq/idempotency-postgres/database';

interface Listener extends Queryable {
  release(destroy?: boolean): void;
  on?(event: string, listener: (argument: unknown) => void): unknown;
}

/** PGlite's own way. */
interface Listening {
  listen(channel: string, callback: () => void): Promise<() => Promise<void>>;
}

/** Waits that end with a notification of the database, and after a while without one. */
export class Wakeup {
  readonly #pool: TransactionalPool | TransactionalDatabase;
  readonly #channel: string;
  readonly #retryMs: number;
  readonly #onError: (error: unknown) => void;
  readonly #waiting = new Set<() => void>();
  #end: (() => Promise<void> | void) | undefined;
  #retry: NodeJS.Timeout | undefined;
  #closed = false;
  /** How often it was woken. */
  count = 0;

  constructor(
    pool: TransactionalPool | TransactionalDatabase,
    channel: string,
    retryMs: number,
    onError: (error: unknown) => void,
  ) {
    this.#pool = pool;
    this.#channel = channel;
    this.#retryMs = retryMs;
    this.#onError = onError;
  }

  /** Where it cannot listen, the waits end by their time alone, and it tries again. */
  async open(): Promise<void> {
    try {
      this.#end =
        'listen' in this.#pool ? await this.#listenInside(this.#pool as unknown as Listening) : await this.#listen();
    } catch (error) {
      this.#onError(error);
      this.#reopenLater();
    }
    // It may have been closed meanwhile.
    if (this.#closed) await this.close();
  }

  wake(): void {
    this.count += 1;
    for (const end of this.#waiting) end();
  }

  /** At once when it was woken since it had counted to `seen`. */
  after(seen: number, waitMs: number): Promise<void> {
    if (this.count !== seen || this.#closed) return Promise.resolve();
    return new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(end);
        resolve();
      };
      const timer = setTimeout(end, waitMs);
      this.#waiting.add(end);
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#retry);
    const end = this.#end;
    this.#end = undefined;
    try {
      await end?.();
    } catch (error) {
      // Of a database that was closed before: nothing is listened to any more either way.
      this.#onError(error);
    }
    this.wake();
  }

  #listenInside(database: Listening): Promise<() => Promise<void>> {
    return database.listen(this.#channel, () => this.wake());
  }

  async #listen(): Promise<(() => void) | undefined> {
    if (!('connect' in this.#pool)) return undefined;
    const client = (await this.#pool.connect()) as Listener;
    let usable = true;
    const end = (): void => {
      if (usable) client.release(true);
      usable = false;
    };
    client.on?.('notification', () => this.wake());
    client.on?.('error', (error) => {
      end();
      this.#onError(error);
      this.#reopenLater();
    });
    try {
      await client.query(`LISTEN ${this.#channel}`);
    } catch (error) {
      end();
      throw error;
    }
    return end;
  }

  #reopenLater(): void {
    clearTimeout(this.#retry);
    if (this.#closed) return;
    this.#retry = setTimeout(() => {
      void this.open().then(() => this.wake());
    }, this.#retryMs);
  }
}
