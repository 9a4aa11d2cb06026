import type { IdempotencyStore } from '@anymq/core';
import { invalidOption, requireKnown, requireNumber } from '@anymq/core/driver';
import type { Queryable } from './database.ts';
import { PostgresStore } from './postgres-store.ts';
import { requireTable } from './table.ts';

export interface PostgresStoreOptions {
  /** A pool or client of `pg`, a PGlite, or anything with their `query`. Stays yours: the store does not close it. */
  readonly pool: Queryable;
  /** 'anymq_idempotency' by default; with a schema in front or without. Stores that share it share their keys. */
  readonly table?: string | undefined;
  /** True by default: makes the table, with the first call, where it is missing. */
  readonly migrate?: boolean | undefined;
  /** How long a call waits for its answer, then it rejects: 1 to 600,000; 5,000 by default. */
  readonly timeoutMs?: number | undefined;
  /** Hears why expired keys could not be removed. Must not throw. Ignored by default. */
  readonly onError?: ((error: unknown) => void) | undefined;
}

/**
 * Keeps keys in PostgreSQL, tested on 17: one statement for each step, whatever the number of messages. Time is the
 * database's. What has expired is removed in small pieces, an hour later, as the store is used. @throws INVALID_OPTION
 */
export function createPostgresStore(options: PostgresStoreOptions): IdempotencyStore {
  requireKnown('createPostgresStore', options, ['pool', 'table', 'migrate', 'timeoutMs', 'onError']);
  const { pool, table = 'anymq_idempotency', migrate = true, onError = () => undefined } = options;
  if (typeof pool?.query !== 'function') throw invalidOption('pool must be a pool or a client of pg, or a PGlite.');
  const timeoutMs = requireNumber('timeoutMs', options.timeoutMs ?? 5000, { min: 1, max: 600_000 });
  return new PostgresStore({ database: pool, table: requireTable(table), migrate, timeoutMs, onError });
}
