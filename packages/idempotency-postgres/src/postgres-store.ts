import { randomBytes } from 'node:crypto';
import { AnymqError, type Claim, type ClaimResult, type IdempotencyStore } from '@anymq/core';
import { answerWithin, claimDistinct } from '@anymq/core/driver';
import type { Queryable } from './database.ts';
import { storeStatements, type StoreStatements } from './store-sql.ts';
import { columnKey, onceDone, Sweeper } from './table.ts';

export interface PostgresStoreSettings {
  readonly database: Queryable;
  readonly table: string;
  readonly migrate: boolean;
  readonly timeoutMs: number;
  readonly onError: (error: unknown) => void;
}

interface Row {
  readonly key: string;
  readonly token: string;
  readonly done: boolean;
  readonly result: Uint8Array | null;
  readonly left_ms: number;
}

interface Owned extends Claim {
  readonly result?: Uint8Array | undefined;
}

/** Several processes that start make the table one after the other. */
const migrationMs = 30_000;

export class PostgresStore implements IdempotencyStore {
  readonly #settings: PostgresStoreSettings;
  readonly #statements: StoreStatements;
  readonly #sweeper: Sweeper;
  readonly #ready: () => Promise<unknown>;
  /** A name of this store's, and a number: short, and nobody else's. */
  readonly #name = randomBytes(9).toString('base64url');
  #calls = 0;
  #closed = false;

  constructor(settings: PostgresStoreSettings) {
    const { database, table, migrate, onError } = settings;
    this.#settings = settings;
    this.#statements = storeStatements(table);
    this.#sweeper = new Sweeper(database, table, onError);
    this.#ready = onceDone(async () => (migrate ? database.query(this.#statements.migrate) : undefined));
  }

  /** All keys of a call have one token, which no other call has. */
  claim(keys: readonly string[], { leaseMs }: { readonly leaseMs: number }): Promise<readonly ClaimResult[]> {
    const token = `${this.#name}${(this.#calls += 1).toString(36)}`;
    return claimDistinct(keys.map(columnKey), leaseMs, async (columns) => {
      const rows = (await this.#run('claim', columns, token, leaseMs)) as readonly Row[];
      this.#sweeper.sweep();
      const byKey = new Map(rows.map((row) => [row.key, row]));
      return columns.map((key) => resultOf(byKey.get(key), token));
    });
  }

  extend(claims: readonly Claim[], { leaseMs }: { readonly leaseMs: number }): Promise<readonly boolean[]> {
    return this.#runOwned('extend', claims, [leaseMs]);
  }

  complete(claims: readonly Owned[], { retentionMs }: { readonly retentionMs: number }): Promise<readonly boolean[]> {
    return this.#runOwned('complete', claims, [retentionMs, claims.map(({ result }) => hexOf(result))]);
  }

  async release(claims: readonly Claim[]): Promise<void> {
    await this.#runOwned('release', claims, []);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#sweeper.idle();
  }

  async #runOwned(
    step: 'extend' | 'complete' | 'release',
    claims: readonly Owned[],
    rest: readonly unknown[],
  ): Promise<readonly boolean[]> {
    const keys = claims.map(({ key }) => columnKey(key));
    const rows = await this.#run(step, keys, claims.map(tokenOf), ...rest);
    const ours = new Set((rows as readonly Row[]).map(({ key, token }) => `${token} ${key}`));
    return claims.map(({ token }, n) => ours.has(`${token} ${keys[n]}`));
  }

  async #run(
    step: keyof StoreStatements,
    keys: readonly string[],
    ...rest: readonly unknown[]
  ): Promise<readonly unknown[]> {
    const { database, timeoutMs } = this.#settings;
    if (this.#closed)
      throw new AnymqError('CLOSED', 'The idempotency store is closed. Close it after its consumers have stopped.');
    if (keys.length === 0) return [];
    await answerWithin(Math.max(timeoutMs, migrationMs), 'PostgreSQL', this.#ready());
    const work = database.query(this.#statements[step], [keys, ...rest]);
    return (await answerWithin(timeoutMs, 'PostgreSQL', work)).rows;
  }
}

function tokenOf({ token }: Claim): string {
  return token;
}

function hexOf(result: Uint8Array | undefined): string | null {
  return result === undefined ? null : Buffer.from(result).toString('hex');
}

function resultOf(row: Row | undefined, token: string): ClaimResult {
  if (row === undefined) throw new AnymqError('UNKNOWN', 'PostgreSQL left a key unanswered.');
  if (row.token === token) return { state: 'claimed', token };
  if (!row.done) return { state: 'busy', retryInMs: Math.max(1, row.left_ms) };
  return row.result === null ? { state: 'done' } : { state: 'done', result: new Uint8Array(row.result) };
}
