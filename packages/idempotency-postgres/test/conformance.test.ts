import { createPostgresStore } from '@anymq/idempotency-postgres';
import { testIdempotencyStore } from '@anymq/testing';
import { sharedBroker, startBroker } from '@anymq/testing/brokers';
import { Pool } from 'pg';
import { describe } from 'vitest';
import { tableOf } from './support/tables.ts';

const shared = sharedBroker('postgres');
/** The suite restarts it, so it is no other test's. */
const own =
  shared?.container === undefined ? undefined : await startBroker('postgres', { configuration: { fsync: 'off' } });
const url = own?.url ?? shared?.url;

describe.runIf(url !== undefined)('on a real server', () => {
  const pool = new Pool({ connectionString: url });
  pool.on('error', () => undefined);
  testIdempotencyStore({
    name: 'idempotency-postgres',
    createStore: async (namespace) => createPostgresStore({ pool, table: tableOf(namespace) }),
    ...(own === undefined ? {} : { restart: () => own.container.restart() }),
    async cutConnections() {
      const sql =
        'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = $1';
      await pool.query(sql, ['postgres']);
    },
    async close() {
      await pool.end();
      await own?.container.stop();
    },
  });
});
