import { createHash } from 'node:crypto';
import { invalidOption } from '@anymq/core/driver';
import type { Queryable } from './database.ts';

/** @throws INVALID_OPTION: a name that would have to be quoted, or that the server would cut */
export function requireTable(name: unknown): string {
  if (typeof name === 'string' && /^(?:[a-z_][a-z0-9_]{0,47}\.)?[a-z_][a-z0-9_]{0,47}$/.test(name)) return name;
  throw invalidOption(
    `table must be lower-case letters, digits and '_', at most 48 of them, with a schema in front or without; got ${JSON.stringify(name)}.`,
  );
}

/** Run once, before the first call that needs it; again when it failed. */
export function onceDone(work: () => Promise<unknown>): () => Promise<unknown> {
  let done: Promise<unknown> | undefined;
  return () => (done ??= work().catch((error: unknown) => ((done = undefined), Promise.reject(error as Error))));
}

/**
 * Makes the table where it is missing, and touches it nowhere else: an index that is there already would be waited for by
 * everybody. Several processes may start at once, and no table is made twice at once without an error.
 */
export function unlessThere(table: string, statements: string): string {
  return `DO $anymq$ BEGIN IF to_regclass('${table}') IS NULL THEN
PERFORM pg_advisory_xact_lock(hashtextextended('${table}', 0)); ${statements} END IF; END $anymq$`;
}

export function indexName(table: string, column: string): string {
  return `${table.slice(table.indexOf('.') + 1)}_${column}`;
}

const longest = 512;

/** As it is where PostgreSQL can hold it: text without a zero character, short enough for an index. Else by its hash. */
export function columnKey(key: string): string {
  if (key.length <= longest && !key.includes('\0') && key.isWellFormed()) return key;
  return `sha256:${createHash('sha256').update(key, 'utf16le').digest('hex')}`;
}

const pieceSize = 500;
const everyMs = 5000;

/**
 * Removes what has expired for an hour, a small piece at a time, so that nothing waits for it: with the first call after
 * some seconds, and at once again while there is more.
 */
export class Sweeper {
  readonly #database: Queryable;
  readonly #statement: string;
  readonly #onError: (error: unknown) => void;
  #nextAt: number = performance.now() + everyMs * Math.random();
  #running: Promise<void> | undefined;

  constructor(database: Queryable, table: string, onError: (error: unknown) => void) {
    this.#database = database;
    this.#onError = onError;
    this.#statement = `WITH old AS MATERIALIZED (SELECT key FROM ${table}
WHERE expires_at < clock_timestamp() - interval '1 hour' ORDER BY expires_at LIMIT ${pieceSize} FOR UPDATE SKIP LOCKED)
DELETE FROM ${table} USING old WHERE ${table}.key = old.key RETURNING 1`;
  }

  /** To be called often; costs nothing when it is not yet time. */
  sweep(): void {
    if (this.#running !== undefined || performance.now() < this.#nextAt) return;
    this.#running = this.#sweepPiece().finally(() => (this.#running = undefined));
  }

  /** Resolves when nothing runs any more. */
  async idle(): Promise<void> {
    await this.#running;
  }

  async #sweepPiece(): Promise<void> {
    try {
      const { rows } = await this.#database.query(this.#statement);
      this.#nextAt = rows.length < pieceSize ? performance.now() + everyMs : 0;
    } catch (error) {
      this.#nextAt = performance.now() + everyMs;
      this.#onError(error);
    }
  }
}
