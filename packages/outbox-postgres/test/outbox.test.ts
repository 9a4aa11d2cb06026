import { AnymqError, createClient, defineQueue, text, type Client, type Driver } from '@anymq/core';
import { createMemoryBroker, createMemoryDriver, type MemoryBroker } from '@anymq/memory';
import { outbox, type Outbox, type RelayOptions } from '@anymq/outbox-postgres';
import { wrapDriver } from '@anymq/testing/conformance';
import { sharedBroker } from '@anymq/testing/brokers';
import { PGlite } from '@electric-sql/pglite';
import { Pool, type PoolClient } from 'pg';
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest';

interface Order {
  readonly customer: string;
  readonly n: number;
}
const orders = defineQueue<Order>('orders', { key: ({ customer }) => customer, ordering: 'key' });
const notes = defineQueue<string>('notes', { codec: text });
const url = sharedBroker('postgres')?.url;
const limits = { timeout: 60_000 };

/** Relays and clients of a test, closed after it. */
const open: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).toReversed()) await close();
}, 30_000);

async function clientOn(broker: MemoryBroker): Promise<Client> {
  const client = (await createClient(createMemoryDriver({ broker }))) as Client;
  open.push(() => client.close());
  return client;
}

async function startRelay(box: Outbox, client: Client, options: Partial<RelayOptions> = {}): Promise<void> {
  const relay = box.relay(client, { destinations: [orders, notes], pollMs: 100, ...options });
  open.push(() => relay.stop());
  await relay.start();
}

/** What arrives, in order. */
async function receive(client: Client): Promise<{ readonly bodies: Order[]; readonly ids: string[] }> {
  const seen = { bodies: [] as Order[], ids: [] as string[] };
  const consumer = client.consumer(orders, {}, (body, { message }) => {
    seen.bodies.push(body);
    seen.ids.push(message.id);
  });
  await consumer.start();
  return seen;
}

describe.runIf(url !== undefined)('on PostgreSQL', limits, () => {
  const pool = new Pool({ connectionString: url, max: 30 });
  pool.on('error', () => undefined);
  afterAll(() => pool.end());
  let tables = 0;

  async function setUp(): Promise<{ readonly box: Outbox; readonly table: string; readonly client: Client }> {
    const table = `outbox_${(tables += 1)}`;
    const box = outbox({ pool, table });
    await box.migrate();
    return { box, table, client: await clientOn(createMemoryBroker()) };
  }

  async function inTransaction(
    end: 'COMMIT' | 'ROLLBACK',
    work: (client: PoolClient) => Promise<unknown>,
  ): Promise<void> {
    const client = await pool.connect();
    await client.query('BEGIN');
    await work(client);
    await client.query(end);
    client.release();
  }

  test('what is committed is sent, with its id, key, headers and body; what is rolled back is not', async () => {
    const { box, client } = await setUp();
    const seen = await receive(client);
    await startRelay(box, client);
    await inTransaction('ROLLBACK', (own) => box.producer(orders, own).send({ customer: 'a', n: 0 }));
    await inTransaction('COMMIT', async (own) => {
      const receipt = await box
        .producer(orders, own)
        .send({ customer: 'a', n: 1 }, { id: 'o-1', headers: { é: '🙂' } });
      expect(receipt).toEqual({ id: 'o-1' });
      expect(await box.inspect()).toMatchObject({ waiting: 0 });
    });
    await expect.poll(() => seen.bodies).toEqual([{ customer: 'a', n: 1 }]);
    expect(seen.ids).toEqual(['o-1']);
    await expect.poll(() => box.inspect()).toEqual({ waiting: 0, lagMs: null, stuck: [] });
  });

  test('in a schema, with the longest names, it is written and wakes the relay too', async () => {
    const schema = `s${Math.random().toString(36).slice(2, 12)}${'s'.repeat(48)}`.slice(0, 48);
    await pool.query(`CREATE SCHEMA ${schema}`);
    const box = outbox({ pool, table: `${schema}.${'t'.repeat(48)}` });
    await box.migrate();
    const client = await clientOn(createMemoryBroker());
    const seen = await receive(client);
    await startRelay(box, client, { pollMs: 3_600_000 });
    await inTransaction('COMMIT', (own) => box.producer(orders, own).send({ customer: 'a', n: 1 }));
    await expect.poll(() => seen.bodies, { timeout: 10_000 }).toEqual([{ customer: 'a', n: 1 }]);
  });

  test('a commit wakes the relay: nobody waits for its next look', async () => {
    const { box, client } = await setUp();
    const seen = await receive(client);
    await startRelay(box, client, { pollMs: 3_600_000 });
    for (const n of [1, 2]) {
      await inTransaction('COMMIT', (own) => box.producer(orders, own).send({ customer: 'a', n }));
      await expect.poll(() => seen.bodies.length, { timeout: 10_000 }).toBe(n);
    }
  });

  test('several relays share the work, and every key stays in order, also when their connections are cut', async () => {
    const { box, client, table } = await setUp();
    const seen = await receive(client);
    const customers = Array.from({ length: 20 }, (_, n) => `customer-${n}`);
    for (let relay = 0; relay < 3; relay++) await startRelay(box, client, { concurrency: 2, batchSize: 7 });
    for (let n = 0; n < 30; n++) {
      await inTransaction('COMMIT', (own) =>
        box.producer(orders, own).sendMany(customers.map((customer) => ({ customer, n }))),
      );
      if (n % 10 === 5) await pool.query(cutRelays, [`%${table}%`]);
    }
    const firsts = (customer: string): readonly number[] => [
      ...new Set(seen.bodies.filter((body) => body.customer === customer).map(({ n }) => n)),
    ];
    const inOrder = Array.from({ length: 30 }, (_, n) => n);
    await expect.poll(() => customers.every((customer) => firsts(customer).length === 30), limits).toBe(true);
    for (const customer of customers) expect(firsts(customer)).toEqual(inOrder);
    await expect.poll(() => box.inspect()).toMatchObject({ waiting: 0 });
  });

  // One that is behind a failure of its key is CONFLICT as well, and is not a failure of its own.
  test.each(['ACCESS_DENIED', 'CONFLICT'] as const)(
    'what is refused with %s is shown, holds up its key alone, and goes when it can',
    async (code) => {
      const { box, table } = await setUp();
      const broker = createMemoryBroker();
      let broken = true;
      const refusing = wrapDriver(createMemoryDriver({ broker }) as Driver, {
        sender: (inner) => ({
          sendBatch(messages, options) {
            if (broken && messages.some(({ id }) => id === 'bad')) throw new AnymqError(code, 'refused');
            return inner.sendBatch(messages, options);
          },
        }),
      });
      const client = await createClient(refusing);
      open.push(() => client.close());
      const seen = await receive(await clientOn(broker));
      await inTransaction('COMMIT', async (own) => {
        const producer = box.producer(orders, own);
        await producer.send({ customer: 'a', n: 1 }, { id: 'bad' });
        await producer.send({ customer: 'a', n: 2 });
        await producer.send({ customer: 'b', n: 3 });
      });
      await startRelay(box, client, { timeoutMs: 500 });
      await expect.poll(() => seen.bodies.map(({ n }) => n)).toEqual([3]);
      await expect
        .poll(() => box.inspect())
        .toMatchObject({
          waiting: 2,
          stuck: [expect.objectContaining({ id: 'bad', destination: 'orders', key: 'a', code })],
        });
      // However often it was tried, it waits no longer than 5 minutes.
      await pool.query(`UPDATE ${table} SET attempts = 20, next_at = now() WHERE id = 'bad'`);
      await expect.poll(() => box.inspect(), { timeout: 20_000 }).toMatchObject({ stuck: [{ attempts: 21 }] });
      const waits = `SELECT extract(epoch FROM next_at - now())::float8 AS seconds FROM ${table} WHERE id = 'bad'`;
      const { rows } = await pool.query<{ seconds: number }>(waits);
      expect(rows[0]?.seconds).toBeGreaterThan(280);
      expect(rows[0]?.seconds).toBeLessThanOrEqual(300);
      broken = false;
      await pool.query(`UPDATE ${table} SET next_at = now() WHERE id = 'bad'`);
      await expect.poll(() => seen.bodies.map(({ n }) => n), { timeout: 20_000 }).toEqual([3, 1, 2]);
    },
  );

  test('a body that can no longer be decoded is shown, and holds up its key alone', async () => {
    const { box, client } = await setUp();
    let broken = true;
    const decode = (bytes: Uint8Array): string => {
      const body = text.decode(bytes);
      if (broken && body === 'bad') throw new Error('cannot be read');
      return body;
    };
    const key = (body: string): string => (body.startsWith('other') ? body : 'a');
    const written = defineQueue<string>('lines', { codec: { ...text, decode }, key, ordering: 'key' });
    const seen: string[] = [];
    const read = defineQueue<string>('lines', { codec: text, key, ordering: 'key' });
    await client.consumer(read, {}, (body) => void seen.push(body)).start();
    // Some of so many keys are in the lane of 'a'.
    const others = Array.from({ length: 60 }, (_, n) => `other ${n}`);
    await inTransaction('COMMIT', async (own) => {
      await box.producer(written, own).sendMany(['first', 'bad', 'last', ...others]);
    });
    await startRelay(box, client, { destinations: [written] });
    await expect.poll(() => seen.toSorted(), limits).toEqual(['first', ...others].toSorted());
    await expect
      .poll(() => box.inspect(), limits)
      .toMatchObject({ waiting: 2, stuck: [{ key: 'a', attempts: expect.any(Number), code: 'DECODE_FAILED' }] });
    broken = false;
    await expect.poll(() => seen.slice(-2), { timeout: 20_000 }).toEqual(['bad', 'last']);
  });

  test('a relay that is cut off after a send leaves its message to the next one, with the same id', async () => {
    const { box, table } = await setUp();
    const broker = createMemoryBroker();
    let cut = false;
    const cutOff = wrapDriver(createMemoryDriver({ broker }) as Driver, {
      sender: (inner) => ({
        async sendBatch(messages, options) {
          const results = await inner.sendBatch(messages, options);
          await pool.query(cutRelays, [`%${table}%`]);
          cut = true;
          return results;
        },
      }),
    });
    const client = await createClient(cutOff);
    open.push(() => client.close());
    const next = await clientOn(broker);
    const seen = await receive(next);
    await startRelay(box, client, { pollMs: 3_600_000 });
    await inTransaction('COMMIT', (own) => box.producer(orders, own).send({ customer: 'a', n: 1 }, { id: 'one' }));
    await expect.poll(() => cut, limits).toBe(true);
    await startRelay(box, next);
    await expect.poll(() => seen.ids, limits).toEqual(['one', 'one']);
    await expect.poll(() => box.inspect()).toMatchObject({ waiting: 0, stuck: [] });
  });

  test('messages to other destinations stay for the relays that know them', async () => {
    const { box, client } = await setUp();
    const seen = await receive(client);
    await inTransaction('COMMIT', async (own) => {
      await box.producer(orders, own).send({ customer: 'a', n: 1 });
      await box.producer(notes, own).send('note');
    });
    await startRelay(box, client, { destinations: [notes] });
    await expect.poll(() => box.inspect()).toMatchObject({ waiting: 1, stuck: [] });
    expect(seen.bodies).toEqual([]);
    await startRelay(box, client, { destinations: [orders] });
    await expect.poll(() => seen.bodies).toEqual([{ customer: 'a', n: 1 }]);
  });

  test('a delay counts from when it was written', async () => {
    const { box, client } = await setUp();
    const sent = vi.fn<(n: number) => void>();
    const consumer = client.consumer(notes, {}, (_, { message }) => sent(Number(message.id)));
    await consumer.start();
    const startedAt = performance.now();
    await inTransaction('COMMIT', (own) => box.producer(notes, own).send('later', { id: '1', delayMs: 1500 }));
    await startRelay(box, client);
    await expect.poll(() => sent.mock.calls.length, limits).toBe(1);
    expect(performance.now() - startedAt).toBeGreaterThan(1400);
  });
});

test('on PGlite too: written in a transaction, and sent after it', limits, async () => {
  const database = new PGlite();
  const box = outbox({ pool: database });
  await box.migrate();
  const client = await clientOn(createMemoryBroker());
  const seen = await receive(client);
  await startRelay(box, client, { concurrency: 1 });
  await database.transaction(async (own) => {
    await box.producer(orders, own).sendMany([1, 2, 3].map((n) => ({ customer: 'a', n })));
  });
  await expect.poll(() => seen.bodies.map(({ n }) => n), limits).toEqual([1, 2, 3]);
  open.unshift(() => database.close());
});

describe('a relay whose database fails', () => {
  const query = vi.fn(async () => ({ rows: [] }));
  const pool = {
    query,
    transaction: <T>(run: (client: { query: typeof query }) => Promise<T>) => run({ query }),
    listen: async () => () => Promise.reject(new Error('closed before')),
  };

  test('may be started again, and stops without rejecting', async () => {
    const errors: unknown[] = [];
    const client = await clientOn(createMemoryBroker());
    const relay = outbox({ pool }).relay(client, { destinations: [notes], onError: (error) => errors.push(error) });
    query.mockRejectedValueOnce(new Error('away'));
    await expect(relay.start()).rejects.toThrow('away');
    await relay.start();
    await expect(relay.start()).rejects.toMatchObject({ code: 'CONFLICT' });
    await relay.stop();
    expect(errors).toEqual([new Error('closed before')]);
  });
});

test('a relay on a pool of one connection, which would wait for itself for ever, is refused', async () => {
  const client = await clientOn(createMemoryBroker());
  const relayOn = (max: number): unknown =>
    outbox({ pool: new Pool({ max }) }).relay(client, { destinations: [notes] });
  expect(() => relayOn(1)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }));
  expect(() => relayOn(2)).not.toThrow();
});

describe('what cannot be written rejects, before anything is', () => {
  const nowhere = { query: () => Promise.reject(new Error('not to be called')) };
  const box = outbox({ pool: { ...nowhere, connect: () => Promise.reject(new Error('not to be called')) } });

  test('a body that does not match its schema, an unknown option, an ordered message without a key', async () => {
    const strict = defineQueue<string, string>('strict', {
      codec: text,
      schema: { '~standard': { version: 1, vendor: 'test', validate: () => ({ issues: [{ message: 'no' }] }) } },
    });
    const ordered = defineQueue<string>('ordered', { codec: text, key: () => undefined, ordering: 'key' });
    await expect(box.producer(strict, nowhere).send('a')).rejects.toMatchObject({ code: 'INVALID_MESSAGE' });
    await expect(box.producer(ordered, nowhere).send('a')).rejects.toMatchObject({ code: 'INVALID_MESSAGE' });
    const options = { ttl: 1 } as object;
    await expect(box.producer(notes, nowhere).send('a', options)).rejects.toMatchObject({ code: 'INVALID_OPTION' });
  });

  test.each([
    { delayMs: -1 },
    { id: '' },
    { key: 'k'.repeat(257) },
    { headers: { n: 1 } as never },
    { priority: 10 },
    { expiresAfterMs: 0 },
  ])('options that no broker takes, which would be stuck for ever: %o', async (options) => {
    await expect(box.producer(notes, nowhere).send('a', options)).rejects.toMatchObject({ code: 'INVALID_OPTION' });
  });

  test('a body that is larger than its queue accepts', async () => {
    const small = defineQueue<string>('small', { codec: text, maxBytes: 2 });
    await expect(box.producer(small, nowhere).sendMany(['a', 'abc'])).rejects.toMatchObject({ code: 'TOO_LARGE' });
  });

  test.each([{}, { pool: {} }, { pool: { query: () => null, connect: () => null }, table: 'A' }])(
    'options like %# are refused',
    (options) => {
      expect(() => outbox(options as never)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }));
    },
  );
});

const cutRelays = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE pid <> pg_backend_pid() AND state <> 'active' AND query LIKE $1`;
