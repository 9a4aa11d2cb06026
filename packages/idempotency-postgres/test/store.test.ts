import { createPostgresStore } from '@anymq/idempotency-postgres';
import { PGlite } from '@electric-sql/pglite';
import { afterAll, expect, test } from 'vitest';

const database = new PGlite();
afterAll(() => database.close());

test(
  'what expired long ago is removed in pieces, as the store is used, and nothing else is',
  { timeout: 30_000 },
  async () => {
    let now = performance.now();
    const real = performance.now.bind(performance);
    performance.now = () => (now += 10_000);
    try {
      const store = createPostgresStore({ pool: database });
      await store.claim(['now'], { leaseMs: 60_000 });
      await database.query(`INSERT INTO anymq_idempotency SELECT 'old ' || n, 't', true, now() - interval '2 hours'
      FROM generate_series(1, 1200) AS n`);
      await database.query(`INSERT INTO anymq_idempotency VALUES ('late', 't', false, now() - interval '5 minutes')`);
      const left = async (): Promise<number> => (await database.query('SELECT 1 FROM anymq_idempotency')).rows.length;
      expect(await left()).toBe(1202);
      for (const expected of [702, 202, 2]) {
        await store.claim(['now'], { leaseMs: 60_000 });
        await expect.poll(left).toBe(expected);
      }
      await store.close();
    } finally {
      performance.now = real;
    }
  },
);

test('without migration a missing table is an error, until it is there', async () => {
  const store = createPostgresStore({ pool: database, table: 'by_hand', migrate: false });
  await expect(store.claim(['a'], { leaseMs: 1000 })).rejects.toThrow('by_hand');
  await createPostgresStore({ pool: database, table: 'by_hand' }).claim(['b'], { leaseMs: 1000 });
  expect(await store.claim(['a', 'b'], { leaseMs: 1000 })).toMatchObject([{ state: 'claimed' }, { state: 'busy' }]);
});

test('a server that does not answer is TIMEOUT', async () => {
  const silent = { query: () => new Promise<never>(() => undefined) };
  const store = createPostgresStore({ pool: silent, migrate: false, timeoutMs: 20 });
  await expect(store.claim(['a'], { leaseMs: 1000 })).rejects.toMatchObject({ code: 'TIMEOUT' });
});

test.each([
  {},
  { pool: {} },
  { pool: database, table: 'A' },
  { pool: database, timeoutMs: 0 },
  { pool: database, ttl: 1 },
])('options like %# are refused', (options) => {
  expect(() => createPostgresStore(options as never)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }));
});
