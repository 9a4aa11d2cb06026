import {
  type BatchConsumeHandler,
  type BatchDelivery,
  type ConsumeHandler,
  type Delivery,
  type Middleware,
  reject,
  retryLater,
} from '@anymq/core';
import { PGlite, type Transaction } from '@electric-sql/pglite';
import { transactional, type Inbox } from '@anymq/idempotency-postgres';
import { sharedBroker } from '@anymq/testing/brokers';
import { Pool, type PoolClient } from 'pg';
import { afterAll, beforeAll, describe, expect, expectTypeOf, test, vi } from 'vitest';

const url = sharedBroker('postgres')?.url;
const pool = new Pool({ connectionString: url });
pool.on('error', () => undefined);
const embedded = new PGlite();
// Starting it keeps the process busy for seconds.
beforeAll(() => embedded.waitReady, 60_000);
afterAll(async () => {
  await pool.end();
  await embedded.close();
});

test('it serves both kinds of consumer, and its client has the type of the pool’s', () => {
  const onPool = transactional({ pool });
  expectTypeOf(onPool).toExtend<Inbox<PoolClient>>();
  expectTypeOf(transactional({ pool: embedded })).toExtend<Inbox<Transaction>>();
  expectTypeOf(onPool).toExtend<Middleware<ConsumeHandler>>();
  expectTypeOf(onPool).toExtend<Middleware<BatchConsumeHandler>>();
});

test.each([{}, { pool: {} }, { pool, table: 'a"b' }, { pool, retentionMs: 1 }, { pool, store: 1 }])(
  'options like %# are refused',
  (options) => {
    expect(() => transactional(options as never)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }));
  },
);

interface Database {
  createInbox(options?: { readonly key?: () => undefined; readonly retentionMs?: number }): Inbox<{
    query(text: string, values?: unknown[]): Promise<unknown>;
  }>;
  read(text: string): Promise<readonly unknown[]>;
}

const onServer = (): Database => ({
  createInbox: (options) => transactional({ pool, table: 'inbox_test', ...options }),
  read: async (text) => (await pool.query<Record<string, unknown>>(text)).rows,
});
const inProcess = (): Database => ({
  createInbox: (options) => transactional({ pool: embedded, table: 'inbox_test', ...options }),
  read: async (text) => (await embedded.query(text)).rows,
});

describe.each([['PostgreSQL', onServer, url !== undefined] as const, ['PGlite', inProcess, true] as const])(
  'on %s',
  (name, database, isThere) => {
    describe.runIf(isThere)('effect and key', () => {
      const opened = database();
      const inbox = opened.createInbox();
      const read = (text: string): Promise<readonly unknown[]> => opened.read(text);
      const isServer = name === 'PostgreSQL';
      const effects = async (id: string): Promise<number> =>
        (await read(`SELECT 1 FROM effects WHERE id = '${id}'`)).length;
      const write = async (delivery: Delivery): Promise<void> => {
        await inbox.client(delivery).query('INSERT INTO effects VALUES ($1)', [delivery.message.id]);
      };
      beforeAll(async () => {
        await read('CREATE TABLE effects (id text NOT NULL)');
      }, 30_000);

      test('effect and key are committed together, and a duplicate runs nothing', async () => {
        let runs = 0;
        const handle = inbox(async (_body, delivery) => {
          runs += 1;
          await write(delivery);
          expect(await effectsOutside(delivery.message.id)).toBe(0);
        });
        const effectsOutside = isServer ? effects : async () => 0;
        expect(await handle(undefined, deliveryOf('a'))).toBeUndefined();
        expect(await handle(undefined, deliveryOf('a'))).toBeUndefined();
        expect([runs, await effects('a')]).toEqual([1, 1]);
      });

      test('what throws has no effect, and the key is free', async () => {
        let fails = true;
        const handle = inbox(async (_body, delivery) => {
          await write(delivery);
          if (fails) throw new Error('own');
        });
        await expect(handle(undefined, deliveryOf('b'))).rejects.toThrow('own');
        expect(await effects('b')).toBe(0);
        fails = false;
        await handle(undefined, deliveryOf('b'));
        expect(await effects('b')).toBe(1);
      });

      test('nor has what returns an outcome', async () => {
        const outcome = reject('no');
        const handle = inbox(async (_body, delivery) => {
          await write(delivery);
          return outcome;
        });
        expect(await handle(undefined, deliveryOf('c'))).toBe(outcome);
        expect(await effects('c')).toBe(0);
      });

      test('a statement whose error was swallowed undoes all, and is a failure', async () => {
        const handle = inbox(async (_body, delivery) => {
          await write(delivery);
          await expect(inbox.client(delivery).query('SELECT nonsense')).rejects.toThrow('nonsense');
        });
        await expect(handle(undefined, deliveryOf('d'))).rejects.toThrow(/undone|aborted/);
        expect(await effects('d')).toBe(0);
      });

      test('a batch is one transaction: duplicates are left out, and one that fails undoes it', async () => {
        const poison = new Set(['f']);
        const seen: string[][] = [];
        const batchHandler: BatchConsumeHandler = async (deliveries) => {
          seen.push(deliveries.map(({ message }) => message.id));
          for (const delivery of deliveries) await write(delivery);
          return deliveries.map(({ message }) => (poison.has(message.id) ? retryLater(5) : undefined));
        };
        const handle = inbox(batchHandler);
        const context = { signal: new AbortController().signal };
        const batch = (...ids: readonly string[]): Promise<unknown> => handle(ids.map(deliveryOf), context);
        await expect(batch('e', 'f')).rejects.toThrow('one by one');
        expect([await effects('e'), await effects('f')]).toEqual([0, 0]);
        expect(await batch('e')).toEqual([undefined]);
        expect(await batch('f')).toHaveLength(1);
        poison.clear();
        expect(await batch('e', 'f', 'g')).toEqual([undefined, undefined, undefined]);
        expect(seen.at(-1)).toEqual(['f', 'g']);
        expect([await effects('e'), await effects('f'), await effects('g')]).toEqual([1, 1, 1]);
      });

      test('of a key twice in a batch the second waits for the first', async () => {
        const handle = inbox(async (deliveries: readonly BatchDelivery<unknown>[]) => {
          for (const delivery of deliveries) await write(delivery);
        });
        const context = { signal: new AbortController().signal };
        const outcomes = (await handle([deliveryOf('h'), deliveryOf('h')], context)) as readonly unknown[];
        expect(outcomes.map((outcome) => outcome === undefined)).toEqual([true, false]);
        expect(await effects('h')).toBe(1);
      });

      test('without a key it runs in a transaction, each time', async () => {
        const keyless = opened.createInbox({ key: () => undefined });
        const handle = keyless(async (_body, { message }) => {
          await keyless.client({ message }).query('INSERT INTO effects VALUES ($1)', [message.id]);
        });
        for (const _ of [1, 2]) await handle(undefined, deliveryOf('keyless'));
        expect(await effects('keyless')).toBe(2);
      });

      test('a key is forgotten after its retention, and not before', async () => {
        const handle = inbox(async (_body, delivery) => write(delivery));
        for (const _ of [1, 2]) await handle(undefined, deliveryOf('old'));
        expect(await effects('old')).toBe(1);
        const [held] = await read(`SELECT extract(epoch FROM expires_at - now())::float8 / 86400 AS days
          FROM inbox_test WHERE key = 'orders//old'`);
        expect((held as { readonly days: number }).days).toBeCloseTo(7, 2);
        await read("UPDATE inbox_test SET expires_at = now() WHERE key = 'orders//old'");
        for (const _ of [1, 2]) await handle(undefined, deliveryOf('old'));
        expect(await effects('old')).toBe(2);
      });

      test('for ever is a hundred years', async () => {
        const handle = opened.createInbox({ retentionMs: Infinity })(async () => undefined);
        expect(await handle(undefined, deliveryOf('ever'))).toBeUndefined();
        const [held] = await read(`SELECT extract(epoch FROM expires_at - now())::float8 / 31557600 AS years
          FROM inbox_test WHERE key = 'orders//ever'`);
        expect((held as { readonly years: number }).years).toBeCloseTo(100, 2);
      });

      test('outside of the handler there is no client', async () => {
        const delivery = deliveryOf('i');
        await inbox(async () => undefined)(undefined, delivery);
        expect(() => inbox.client(delivery)).toThrow(expect.objectContaining({ code: 'CONFLICT' }));
      });
    });
  },
);

describe.runIf(url !== undefined)('on PostgreSQL, with others', () => {
  const inbox = transactional({ pool, table: 'inbox_test' });

  test('one whose twin runs comes again, uncharged, and waits for nothing', async () => {
    const { promise: blocked, resolve } = Promise.withResolvers<void>();
    const { promise: runs, resolve: started } = Promise.withResolvers<void>();
    const other = transactional({ pool, table: 'inbox_test' });
    const first = inbox(async () => {
      started();
      await blocked;
    })(undefined, deliveryOf('twin'));
    await runs;
    expect(await other(async () => undefined)(undefined, deliveryOf('twin'))).toMatchObject({ charge: false });
    resolve();
    await first;
    expect(await other(async () => undefined)(undefined, deliveryOf('twin'))).toBeUndefined();
  });

  test('a process that is frozen in its handler loses its key, and its effect with it', async () => {
    await pool.query('CREATE TABLE IF NOT EXISTS effects (id text NOT NULL)');
    const { promise: thawed, resolve: thaw } = Promise.withResolvers<void>();
    const { promise: froze, resolve: freeze } = Promise.withResolvers<void>();
    const frozen = transactional({ pool, table: 'inbox_test', idleMs: 1000 });
    const first = frozen(async (_body, delivery) => {
      await frozen.client(delivery).query("INSERT INTO effects VALUES ('frozen')");
      freeze();
      await thawed;
    })(undefined, deliveryOf('frozen'));
    await froze;
    const again = inbox(async (_body, delivery) => {
      await inbox.client(delivery).query("INSERT INTO effects VALUES ('frozen')");
    });
    await expect.poll(() => again(undefined, deliveryOf('frozen')), { timeout: 10_000 }).toBeUndefined();
    thaw();
    await expect(first).rejects.toThrow(/idle-in-transaction|terminat|not queryable/i);
    expect((await pool.query("SELECT 1 FROM effects WHERE id = 'frozen'")).rowCount).toBe(1);
  });

  test('a client that does not say what became of its commit is asked before it', async () => {
    await pool.query('CREATE TABLE IF NOT EXISTS effects (id text NOT NULL)');
    const ignored = vi.fn<(error: Error) => void>();
    const terse = {
      query: async (text: string, values?: unknown[]) => ({ rows: (await pool.query(text, values)).rows as unknown[] }),
      async connect() {
        const client = await pool.connect();
        return {
          query: async (text: string, values?: unknown[]) => ({
            rows: (await client.query(text, values)).rows as unknown[],
          }),
          release: (destroy?: boolean) => client.release(destroy),
        };
      },
    };
    const own = transactional({ pool: terse, table: 'inbox_test' });
    const handle = (swallows: boolean): Promise<unknown> =>
      Promise.resolve(
        own(async (_body, delivery) => {
          await own.client(delivery).query("INSERT INTO effects VALUES ('terse')");
          if (swallows) await own.client(delivery).query('SELECT nonsense').catch(ignored);
        })(undefined, deliveryOf('terse')),
      );
    await expect(handle(true)).rejects.toThrow('aborted');
    expect(ignored).toHaveBeenCalledOnce();
    await handle(false);
    expect((await pool.query("SELECT 1 FROM effects WHERE id = 'terse'")).rowCount).toBe(1);
  });

  test('when the connection dies while the handler runs nothing is committed, and the pool goes on', async () => {
    await pool.query('CREATE TABLE IF NOT EXISTS effects (id text NOT NULL)');
    const handle = inbox(async (_body, delivery) => {
      const client = inbox.client(delivery);
      await client.query("INSERT INTO effects VALUES ('cut')");
      const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
      await pool.query('SELECT pg_terminate_backend($1)', [rows[0]?.pid]);
    });
    await expect(handle(undefined, deliveryOf('cut'))).rejects.toThrow(/terminat|not queryable/i);
    const { rowCount } = await pool.query("SELECT 1 FROM effects WHERE id = 'cut'");
    expect(rowCount).toBe(0);
    await inbox(async (_body, delivery) => {
      await inbox.client(delivery).query("INSERT INTO effects VALUES ('cut')");
    })(undefined, deliveryOf('cut'));
    expect((await pool.query("SELECT 1 FROM effects WHERE id = 'cut'")).rowCount).toBe(1);
  });

  test('a database that cannot be reached puts back, uncharged, and is told', async () => {
    const gone = new Pool({ connectionString: 'postgres://127.0.0.1:1/none' });
    const errors: unknown[] = [];
    const away = transactional({ pool: gone, onError: (error) => errors.push(error) });
    let runs = 0;
    const outcome = await away(async () => void (runs += 1))(undefined, deliveryOf('away'));
    expect(outcome).toMatchObject({ delayMs: 1000, charge: false });
    expect([runs, errors.length]).toEqual([0, 1]);
    await gone.end();
  });
});

function deliveryOf(id: string): BatchDelivery<unknown> {
  return {
    message: { id, headers: {}, time: new Date(0), type: 't', source: '/s', body: new Uint8Array() },
    attempt: 1,
    redelivered: false,
    destination: 'orders',
    body: undefined,
    signal: new AbortController().signal,
  };
}
