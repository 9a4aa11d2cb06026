import { PGlite } from '@electric-sql/pglite';
import { createPostgresStore } from '@anymq/idempotency-postgres';
import { testIdempotencyStore } from '@anymq/testing';
import { tableOf } from './support/tables.ts';

const pglite = new PGlite();

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
