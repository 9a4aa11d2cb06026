import { createPostgresStore } from '@anymq/idempotency-postgres';
import { testIdempotencyStore } from '@anymq/testing';
import { pglite, tableOf } from './support/pglite.ts';

testIdempotencyStore(
  {
    name: 'idempotency-postgres on PGlite',
    createStore: async (namespace) => createPostgresStore({ pool: pglite, table: tableOf(namespace) }),
    runsInside: true,
    close: () => pglite.close(),
  },
  // One connection, and all of the work is done in this very process.
  { timeScale: 3 },
);
