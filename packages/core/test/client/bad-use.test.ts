import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createMemoryDriver, memory } from '@anymq/memory';
import { expect, test, vi } from 'vitest';
import * as core from '../../src/index.ts';
import type { AnymqError, ConsumerOptions } from '../../src/index.ts';

const queue = core.defineQueue<string>('jobs');
const topic = core.defineTopic<string>('news', { groups: ['web'] });
const handler = (): void => undefined;

async function failure(work: () => unknown): Promise<AnymqError> {
  try {
    await work();
  } catch (error) {
    return error as AnymqError;
  }
  throw new Error('It did not fail.');
}

test.each([
  ['an unknown scheme', () => core.connect('carrier-pigeon://home'), 'INVALID_OPTION', /carrier-pigeon.*memory/],
  [
    'a missing adapter',
    () => withoutAdapters(() => core.connect('kafka://localhost:9092')),
    'ADAPTER_MISSING',
    /npm install @anymq\/kafka kafkajs/,
  ],
  ['a configuration without brokers', () => core.connect({ brokers: {} }), 'INVALID_OPTION', /broker/],
  [
    'a route to no broker',
    () => core.connect({ brokers: { a: 'memory:' }, routes: { jobs: 'b' } }, { drivers: [memory] }),
    'INVALID_OPTION',
    /'?b'?/,
  ],
  [
    'a bad namespace',
    () => core.connect({ brokers: { a: 'memory:' }, namespace: 'No Spaces' }, { drivers: [memory] }),
    'INVALID_OPTION',
    /namespace/,
  ],
  ['a bad name', () => core.defineQueue('Orders!'), 'INVALID_OPTION', /lower-case/],
  ['a long name', () => core.defineQueue('x'.repeat(33)), 'INVALID_OPTION', /32/],
  ['a group twice', () => core.defineTopic('t', { groups: ['a', 'a'] }), 'INVALID_OPTION', /twice/],
  ['order without a key', () => core.defineQueue('t', { ordering: 'key' }), 'INVALID_OPTION', /key/],
  ['a hostile driver', () => core.createClient({} as never), 'INVALID_OPTION', /specificationVersion/],
])('%s ends in a typed error that says what to do', async (_, work, code, text) => {
  const error = await failure(work);
  expect(core.AnymqError.isInstance(error)).toBe(true);
  expect(error).toMatchObject({ code, message: expect.stringMatching(text) as string });
});

test.each<[ConsumerOptions, string]>([
  [{ concurrency: 0 }, 'INVALID_OPTION'],
  [{ concurrency: 1.5 }, 'INVALID_OPTION'],
  [{ leaseMs: 999 }, 'INVALID_OPTION'],
  [{ retry: { maxAttempts: 0 } }, 'INVALID_OPTION'],
  [{ crashLimit: 0 }, 'INVALID_OPTION'],
  [{ group: 'web' }, 'INVALID_OPTION'],
  [{ retires: 3 } as ConsumerOptions, 'INVALID_OPTION'],
  [{ retry: { attempts: 3 } } as ConsumerOptions, 'INVALID_OPTION'],
  [{ acknowledge: 'before', retry: { maxAttempts: 3 } }, 'INVALID_OPTION'],
  [{ acknowledge: 'before', deadLetter: true }, 'INVALID_OPTION'],
  [{ acknowledge: 'before', use: [core.idempotent({ store: core.createMemoryStore() })] }, 'INVALID_OPTION'],
  [{ startAt: 'earliest' }, 'UNSUPPORTED'],
  [{ transaction: true }, 'UNSUPPORTED'],
])('a consumer with %o is refused when it is made', async (options, code) => {
  await using mq = await core.createClient(
    createMemoryDriver({ capabilities: { history: false, transactions: false } }) as core.Driver,
  );
  expect(await failure(() => mq.consumer(queue, options, handler))).toMatchObject({ code });
});

test('a destination that asks for more than its broker has is refused before anything is made', async () => {
  const driver = createMemoryDriver({ capabilities: { history: false, brokerFilter: false } });
  await using mq = await core.createClient(driver);
  const kept = core.defineQueue('kept', { retentionMs: 5000 });
  const filtered = core.defineTopic('filtered', { groups: { eu: { filter: { region: 'eu' } } } });
  const large = core.defineQueue('large', { maxBytes: 1e9 });
  for (const [destination, code] of [
    [kept, 'UNSUPPORTED'],
    [filtered, 'UNSUPPORTED'],
    [large, 'INVALID_OPTION'],
  ] as const) {
    expect(await failure(() => mq.producer(destination))).toMatchObject({ code });
    expect(await failure(() => mq.provision([destination]))).toMatchObject({ code });
  }
  expect(await failure(() => mq.seek(topic, { group: 'web', to: 'earliest' }))).toMatchObject({ code: 'UNSUPPORTED' });
});

test('what a driver cannot do does not compile', async () => {
  await using mq = await core.createClient(
    createMemoryDriver({ capabilities: { history: false, transactions: false, priority: false } }),
  );
  // @ts-expect-error The driver has no history.
  expect(await failure(() => mq.consumer(topic, { group: 'web', startAt: 'earliest' }, handler))).toMatchObject({
    code: 'UNSUPPORTED',
  });
  // @ts-expect-error The driver has no transactions.
  expect(await failure(() => mq.consumer(queue, { transaction: true }, handler))).toMatchObject({
    code: 'UNSUPPORTED',
  });
  // @ts-expect-error The driver has no priorities.
  expect(await failure(() => mq.producer(queue).send('x', { priority: 3 }))).toMatchObject({ code: 'UNSUPPORTED' });
});

test('priority is refused where order is by key', async () => {
  await using mq = await core.createClient(createMemoryDriver());
  const ordered = core.defineQueue<string>('ordered', { key: (body) => body, ordering: 'key' });
  const error = await failure(() => mq.producer(ordered).send('x', { priority: 9 }));
  expect(error).toMatchObject({ code: 'INVALID_OPTION', outcome: 'not-sent' });
});

test('topics need a group and queues have none, everywhere', async () => {
  await using mq = await core.createClient(createMemoryDriver());
  for (const work of [
    () => mq.consumer(topic, {}, handler),
    () => mq.deadLetters(topic),
    () => mq.inspect(topic),
    () => mq.deadLetters(queue, { group: 'web' }),
  ]) {
    expect(await failure(work)).toMatchObject({ code: 'INVALID_OPTION' });
  }
});

test('starting twice is CONFLICT, starting after stop CLOSED, and everything after close CLOSED', async () => {
  const mq = await core.createClient(createMemoryDriver());
  const consumer = mq.consumer(queue, {}, handler);
  const starting = consumer.start();
  expect(await failure(() => consumer.start())).toMatchObject({ code: 'CONFLICT' });
  await starting;
  expect(await failure(() => consumer.start())).toMatchObject({ code: 'CONFLICT' });
  await consumer.stop();
  await consumer.finished;
  expect(await failure(() => consumer.start())).toMatchObject({ code: 'CLOSED' });
  const producer = mq.producer(queue);
  const dead = mq.deadLetters(queue);
  await Promise.all([mq.close(), mq.close()]);
  for (const work of [
    () => producer.send('x'),
    () => mq.producer(queue),
    () => mq.inspect(queue),
    () => mq.provision([queue]),
    () => dead.count(),
  ]) {
    expect(await failure(work)).toMatchObject({ code: 'CLOSED' });
  }
  expect((await mq.check()).ok).toBe(false);
});

test('a schema holds on both sides: send refuses what does not fit, a handler gets the parsed output', async () => {
  const schema: core.StandardSchemaV1<string, number> = {
    '~standard': {
      version: 1,
      vendor: 'test',
      validate: (value) =>
        typeof value === 'string' && /^\d+$/.test(value)
          ? { value: Number(value) }
          : { issues: [{ message: 'secret 4711 is no number' }] },
    },
  };
  const numbers = core.defineQueue<string, number>('numbers', { schema });
  await using mq = await core.createClient(createMemoryDriver());
  const error = await failure(() => mq.producer(numbers).send('secret 4711'));
  expect(error).toMatchObject({ code: 'INVALID_MESSAGE' });
  expect(error.message).not.toContain('4711');
  const seen = Promise.withResolvers<number>();
  await mq.consumer(numbers, {}, (value) => seen.resolve(value)).start();
  await mq.producer(numbers).send('42');
  expect(await seen.promise).toBe(42);
});

test('an aborted signal gives up connecting, and closes a client that is connected', async () => {
  expect(
    await failure(() => core.connect('memory:', { drivers: [memory], signal: AbortSignal.abort() })),
  ).toMatchObject({ code: 'ABORTED' });
  const controller = new AbortController();
  const mq = await core.connect('memory:', { drivers: [memory], signal: controller.signal });
  controller.abort();
  expect(await failure(() => mq.producer(queue).send('x'))).toMatchObject({ code: 'CLOSED' });
  await mq.close();
  const late = await core.createClient(createMemoryDriver(), { signal: controller.signal });
  expect(await failure(() => late.producer(queue).send('x'))).toMatchObject({ code: 'CLOSED' });
});

test('a misspelt option of inspect and seek is refused, and a backoff that is none', async () => {
  await using mq = await core.createClient(createMemoryDriver());
  await mq.provision([queue, topic]);
  for (const work of [
    () => mq.inspect(queue, { gruop: 'web' } as never),
    () => mq.seek(topic, { group: 'web', to: 'latest', form: 'x' } as never),
    () => mq.consumer(queue, { retry: { backoff: 1000 as never } }, handler),
  ]) {
    expect(await failure(work)).toMatchObject({ code: 'INVALID_OPTION' });
  }
});

/** As an application elsewhere, where no adapter is installed. */
async function withoutAdapters<T>(work: () => Promise<T>): Promise<T> {
  const [, script = ''] = process.argv;
  const cwd = vi.spyOn(process, 'cwd').mockReturnValue(tmpdir());
  process.argv[1] = join(tmpdir(), 'main.js');
  try {
    return await work();
  } finally {
    process.argv[1] = script;
    cwd.mockRestore();
  }
}
