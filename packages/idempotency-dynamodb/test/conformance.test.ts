import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { CreateTableCommand, DynamoDBClient, waitUntilTableExists } from '@aws-sdk/client-dynamodb';
import { createDynamodbStore, type DynamodbClient, tableDefinition } from '@anymq/idempotency-dynamodb';
import { testIdempotencyStore } from '@anymq/testing';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';

const emulator = fork(fileURLToPath(new URL('emulator.ts', import.meta.url)));
const [port] = (await once(emulator, 'message')) as [number];
const client = new DynamoDBClient({
  endpoint: `http://127.0.0.1:${port}`,
  region: 'eu-west-1',
  credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
});
beforeAll(async () => {
  await client.send(new CreateTableCommand(tableDefinition()));
  await waitUntilTableExists({ client, maxWaitTime: 10, minDelay: 1 }, { TableName: 'anymq-idempotency' });
}, 20_000);
afterAll(async () => {
  client.destroy();
  emulator.disconnect();
  await once(emulator, 'exit');
});

testIdempotencyStore(
  {
    name: 'idempotency-dynamodb on dynalite',
    createStore: async (namespace) => createDynamodbStore({ client, prefix: `${namespace}/`, timeoutMs: 30_000 }),
    async close() {
      // The emulator serves the tests below too.
    },
  },
  // A request for each key, to a server of one thread.
  { timeScale: 4, concurrency: 1 },
);

const lease = { leaseMs: 1000 };

test('a claim whose request arrives once more, late, undoes no completion', async () => {
  const sent: Parameters<DynamodbClient['send']>[0][] = [];
  const recording: DynamodbClient = {
    send(command) {
      sent.push(command);
      return client.send(command as never);
    },
  };
  const store = createDynamodbStore({ client: recording, prefix: 'late/' });
  const [claimed] = await store.claim(['a'], lease);
  const { token } = claimed as { readonly token: string };
  expect(await store.complete([{ key: 'a', token }], { retentionMs: 60_000 })).toEqual([true]);
  await expect(client.send(sent[0] as never)).rejects.toMatchObject({ name: 'ConditionalCheckFailedException' });
  expect(await store.claim(['a'], lease)).toEqual([{ state: 'done' }]);
});

test('the largest result that is accepted can be kept, and a larger one is TOO_LARGE', async () => {
  const store = createDynamodbStore({ client, prefix: 'large/' });
  const key = 'k'.repeat(2000);
  const [claimed] = await store.claim([key], lease);
  const { token } = claimed as { readonly token: string };
  const complete = (bytes: number): Promise<readonly boolean[]> =>
    store.complete([{ key, token, result: new Uint8Array(bytes) }], { retentionMs: 60_000 });
  await expect(complete(400_001)).rejects.toMatchObject({ code: 'TOO_LARGE' });
  expect(await complete(400_000)).toEqual([true]);
});

describe('a process whose clock differs from the server’s', () => {
  const tenMinutes = 600_000;
  const real = performance.now.bind(performance);
  const long = { leaseMs: 60_000 };
  /** What it does with its own clock. */
  const offBy = async <T>(ms: number, work: () => Promise<T>): Promise<T> => {
    const clock = vi.spyOn(performance, 'now').mockImplementation(() => real() + ms);
    try {
      return await work();
    } finally {
      clock.mockRestore();
    }
  };
  const busy = [{ state: 'busy', retryInMs: expect.closeTo(60_000, -4) as number }];

  test('as it was frozen meanwhile, claims and extends for the whole of its lease', async () => {
    const [frozen, other] = [1, 2].map(() => createDynamodbStore({ client, prefix: 'frozen/' }));
    await frozen?.claim(['before'], long);
    const [answer] = (await offBy(-tenMinutes, async () => frozen?.claim(['a'], long))) ?? [];
    expect(await other?.claim(['a'], long)).toEqual(busy);
    const { token } = answer as { readonly token: string };
    expect(await offBy(-2 * tenMinutes, async () => frozen?.extend([{ key: 'a', token }], long))).toEqual([true]);
    expect(await other?.claim(['a'], long)).toEqual(busy);
  });

  test('as it started with a wrong one, takes nobody’s claim', async () => {
    const [ahead, other] = [1, 2].map(() => createDynamodbStore({ client, prefix: 'ahead/' }));
    await other?.claim(['a'], long);
    expect(await offBy(tenMinutes, async () => ahead?.claim(['a'], long))).toEqual(busy);
  });
});

/** As DynamoDB answers since 2023, and the emulator does not. */
test('where the failed condition brings the item, nothing is read', async () => {
  const sent: string[] = [];
  const until = { N: String(performance.timeOrigin + performance.now() + 500) };
  const answering = (Item: object): Parameters<typeof createDynamodbStore>[0]['client'] => ({
    async send(command: { constructor: { name: string } }) {
      sent.push(command.constructor.name);
      throw Object.assign(new Error('The conditional request failed'), {
        name: 'ConditionalCheckFailedException',
        Item,
      });
    },
  });
  const done = createDynamodbStore({
    client: answering({ done: { BOOL: true }, result: { B: Uint8Array.of(1) }, until }),
  });
  expect(await done.claim(['a'], lease)).toEqual([{ state: 'done', result: Uint8Array.of(1) }]);
  const busy = createDynamodbStore({ client: answering({ token: { S: 'other' }, until }) });
  expect(await busy.claim(['a'], lease)).toMatchObject([{ state: 'busy' }]);
  expect(await busy.complete([{ key: 'a', token: 'mine' }], { retentionMs: 1000 })).toEqual([false]);
  expect(new Set(sent)).toEqual(new Set(['UpdateItemCommand']));
});

test('what DynamoDB refuses for another reason rejects as it is; what hangs is TIMEOUT', async () => {
  const throttled = {
    send: () => Promise.reject(Object.assign(new Error('slow down'), { name: 'ThrottlingException' })),
  };
  await expect(createDynamodbStore({ client: throttled }).claim(['a'], lease)).rejects.toThrow('slow down');
  const silent = { send: () => new Promise(() => undefined) };
  const store = createDynamodbStore({ client: silent, timeoutMs: 20 });
  await expect(store.claim(['a'], lease)).rejects.toMatchObject({ code: 'TIMEOUT' });
});

test.each([{}, { client: {} }, { client, table: '' }, { client, ttl: 1 }, { client, timeoutMs: 0 }])(
  'options like %# are refused',
  (options) => {
    expect(() => createDynamodbStore(options as never)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }));
  },
);
