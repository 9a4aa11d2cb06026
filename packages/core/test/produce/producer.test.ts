import { getEventListeners } from 'node:events';
import { expect, test } from 'vitest';
import { bytes, defineQueue } from '../../src/index.ts';
import type { AnymqError, Middleware, Producer, SendHandler, SendResult, StandardSchemaV1 } from '../../src/index.ts';
import { BrokerError, createSenderStage } from './scripted-sender.ts';

interface Order {
  readonly n: number;
  readonly k?: string;
}
const plain = defineQueue<Order>('plain');
const keyed = defineQueue<Order>('keyed', { key: ({ k }) => k, ordering: 'key' });

const order = (n: number, k?: string): Order => (k === undefined ? { n } : { n, k });
const codes = (results: readonly SendResult[]): readonly string[] =>
  results.map((result) => (result.ok ? 'ok' : result.error.code));
const failureOf = (sent: Promise<unknown>): Promise<AnymqError> =>
  sent.then(
    () => Promise.reject(new Error('was sent')),
    (error: unknown) => error as AnymqError,
  );

let slow = Promise.withResolvers<void>();
const slowFirst: Middleware<SendHandler> = (next) => async (message) => {
  if (new TextDecoder().decode(message.body).includes('"n":1')) await slow.promise;
  return next(message);
};
const slowSchema: StandardSchemaV1<Order> = {
  '~standard': {
    version: 1,
    vendor: 'test',
    async validate(value) {
      if ((value as Order).n === 1) await slow.promise;
      return { value: value as Order };
    },
  },
};

test('sends of one turn travel together, each with its own receipt', async () => {
  const { client, batches, settle } = await createSenderStage();
  const producer = client.producer(plain);
  const sends = [1, 2, 3].map((n) => producer.send(order(n), { id: `m${n}` }));
  await settle();
  expect(batches.map(({ bodies }) => bodies)).toEqual([[order(1), order(2), order(3)]]);
  batches[0]?.confirm();
  expect((await Promise.all(sends)).map(({ id }) => id)).toEqual(['m1', 'm2', 'm3']);
  await client.close();
});

test('a batch is cut by count and by bytes', async () => {
  const byCount = await createSenderStage({ maxBatchMessages: 2 });
  void byCount.client.producer(plain).sendMany([1, 2, 3].map((n) => order(n)));
  await byCount.settle();
  expect(byCount.batches.map(({ messages }) => messages.length)).toEqual([2, 1]);
  const byBytes = await createSenderStage({ maxBatchBytes: 250 });
  void byBytes.client
    .producer(defineQueue<Uint8Array>('raw', { codec: bytes }))
    .sendMany([1, 2, 3].map(() => new Uint8Array(100)));
  await byBytes.settle();
  expect(byBytes.batches.map(({ messages }) => messages.length)).toEqual([2, 1]);
  for (const { client, batches } of [byCount, byBytes]) {
    for (const batch of batches) batch.confirm();
    await client.close();
  }
});

test('while two batches are in flight a third grows until one returns, or it is full', async () => {
  const { client, batches, settle } = await createSenderStage({ maxBatchMessages: 3 });
  const producer = client.producer(plain);
  const sends: Promise<unknown>[] = [];
  for (const n of [1, 2, 3, 4]) {
    sends.push(producer.send(order(n)));
    await settle();
  }
  expect(batches.map(({ bodies }) => bodies)).toEqual([[order(1)], [order(2)]]);
  sends.push(producer.send(order(5)));
  await settle();
  expect(batches.at(-1)?.bodies).toEqual([order(3), order(4), order(5)]);
  for (const batch of batches) batch.confirm();
  await Promise.all(sends);
  await client.close();
});

test('messages of a key wait for the one in flight; a batch that may succeed in part holds one of each', async () => {
  const { client, batches, settle } = await createSenderStage({ atomicBatch: false });
  const sent = client.producer(keyed).sendMany([order(1, 'a'), order(2, 'a'), order(3, 'b'), order(4, 'a'), order(5)]);
  await settle();
  expect(batches.map(({ bodies }) => bodies)).toEqual([[order(1, 'a'), order(3, 'b'), order(5)]]);
  batches[0]?.confirm();
  await settle();
  expect(batches[1]?.bodies).toEqual([order(2, 'a')]);
  batches[1]?.confirm();
  await settle();
  expect(batches[2]?.bodies).toEqual([order(4, 'a')]);
  batches[2]?.confirm();
  expect(codes(await sent)).toEqual(['ok', 'ok', 'ok', 'ok', 'ok']);
  await client.close();
});

test('what failed for a passing reason is sent again with its id, before what follows it', async () => {
  const { client, clock, batches, events, settle } = await createSenderStage({ atomicBatch: false });
  const sent = client.producer(keyed).sendMany([order(1, 'a'), order(2, 'b'), order(3, 'a')]);
  await settle();
  const [first] = batches;
  first?.answerEach([new BrokerError(true), undefined]);
  await settle();
  await clock.advance(2000);
  await settle();
  expect(batches[1]?.bodies).toEqual([order(1, 'a')]);
  expect(batches[1]?.messages[0]?.id).toBe(first?.messages[0]?.id);
  expect(events).toContainEqual({ type: 'send-retry', destination: 'keyed', messages: 1, code: 'NOT_CONNECTED' });
  batches[1]?.confirm();
  await settle();
  batches[2]?.confirm();
  expect(codes(await sent)).toEqual(['ok', 'ok', 'ok']);
  await client.close();
});

test('two batches never hold one key at once, however many of it were ready; the order stays', async () => {
  const { client, clock, batches, settle } = await createSenderStage({ atomicBatch: true, maxBatchMessages: 3 });
  const producer = client.producer(keyed);
  const sent = producer.sendMany([1, 2, 3, 4, 5].map((n) => order(n, 'a')));
  await settle();
  const later = producer.sendMany([order(6, 'a'), order(7, 'b')]);
  await settle();
  const numbers = (): unknown => batches.map(({ bodies }) => bodies.map((body) => (body as Order).n));
  expect(numbers()).toEqual([[1, 2, 3], [7]]);
  batches[0]?.fail(new BrokerError(true));
  batches[1]?.confirm();
  await settle();
  await clock.advance(2000);
  await settle();
  batches[2]?.confirm();
  await settle();
  expect(numbers()).toEqual([[1, 2, 3], [7], [1, 2, 3], [4, 5, 6]]);
  batches[3]?.confirm();
  expect(codes([...(await sent), ...(await later)])).toEqual(Array.from({ length: 7 }, () => 'ok'));
  await client.close();
});

test('after a keyed message failed for good, later ones of its key are not sent, and others are', async () => {
  const { client, batches, settle } = await createSenderStage({ atomicBatch: false });
  const sent = client.producer(keyed).sendMany([order(1, 'a'), order(2, 'a'), order(3, 'b'), order(4, 'a')]);
  await settle();
  batches[0]?.answerEach([new BrokerError(false), undefined]);
  expect(codes(await sent)).toEqual(['ACCESS_DENIED', 'CONFLICT', 'ok', 'CONFLICT']);
  expect(batches).toHaveLength(1);
  await client.close();
});

test('a keyed message that cannot be built stops those that follow it, not those before it', async () => {
  const { client, batches, settle } = await createSenderStage();
  const small = defineQueue<string>('small', { key: () => 'k', maxBytes: 5 });
  const sent = client.producer(small).sendMany(['a', 'too large', 'b']);
  await settle();
  expect(batches.map(({ bodies }) => bodies)).toEqual([['a']]);
  batches[0]?.confirm();
  expect(codes(await sent)).toEqual(['ok', 'TOO_LARGE', 'CONFLICT']);
  await client.close();
});

test('a send that is not confirmed in time rejects with unknown, one that was never tried with not-sent', async () => {
  const { client, clock, batches, settle } = await createSenderStage();
  const producer = client.producer(keyed, { timeoutMs: 100 });
  const first = failureOf(producer.send(order(1, 'a')));
  await settle();
  const second = failureOf(producer.send(order(2, 'a')));
  await settle();
  await clock.advance(100);
  expect(await first).toMatchObject({ code: 'TIMEOUT', outcome: 'unknown', retryable: true });
  expect(await second).toMatchObject({ code: 'TIMEOUT', outcome: 'not-sent' });
  expect(batches).toHaveLength(1);
  expect(batches[0]?.signal.aborted).toBe(true);
  await client.close();
});

test('a driver that never answered does not hold up what is sent later', async () => {
  const { client, clock, batches, settle } = await createSenderStage({ maxBatchesInFlight: 1 });
  const producer = client.producer(keyed, { timeoutMs: 100 });
  const lost = failureOf(producer.send(order(1, 'a')));
  await settle();
  await clock.advance(100);
  await lost;
  const next = producer.send(order(2, 'a'));
  await settle();
  batches[1]?.confirm();
  await next;
  batches[0]?.confirm();
  await client.close();
});

test('a signal gives up one send, and leaves no listener', async () => {
  const { client, batches, settle } = await createSenderStage();
  const producer = client.producer(plain);
  const controller = new AbortController();
  const sent = failureOf(producer.send(order(1), { signal: controller.signal }));
  const other = producer.send(order(2));
  await settle();
  controller.abort();
  expect(await sent).toMatchObject({ code: 'ABORTED', outcome: 'unknown' });
  batches[0]?.confirm();
  await other;
  const before = await failureOf(producer.send(order(3), { signal: AbortSignal.abort() }));
  expect(before).toMatchObject({ code: 'ABORTED', outcome: 'not-sent' });
  await client.close();
});

test('opening the sender is tried again until the timeout, and ends in its own error when that is final', async () => {
  let failures = 2;
  const stage = await createSenderStage({
    openSender: () => (failures-- > 0 ? Promise.reject(new BrokerError(true)) : Promise.resolve()),
  });
  const sent = stage.client.producer(plain).send(order(1));
  for (let turn = 0; turn < 3; turn++) {
    await stage.settle();
    await stage.clock.advance(2000);
  }
  await stage.settle();
  stage.batches[0]?.confirm();
  await sent;
  await stage.client.close();
  const refused = await createSenderStage({ openSender: () => Promise.reject(new BrokerError(false)) });
  const results = await refused.client.producer(keyed).sendMany([order(1, 'a'), order(2, 'a'), order(3)]);
  expect(codes(results)).toEqual(['ACCESS_DENIED', 'ACCESS_DENIED', 'ACCESS_DENIED']);
  expect(results[0]).toMatchObject({ error: { outcome: 'not-sent' } });
  await refused.client.close();
});

test('close confirms what can be, then rejects the rest, and nothing is sent afterwards', async () => {
  const { client, clock, batches, settle } = await createSenderStage();
  const producer = client.producer(plain);
  const sent = failureOf(producer.send(order(1)));
  await settle();
  const closing = client.close({ deadlineMs: 50 });
  await settle();
  await clock.advance(50);
  await closing;
  expect(await sent).toMatchObject({ code: 'CLOSED', outcome: 'unknown' });
  expect(await failureOf(producer.send(order(2)))).toMatchObject({ code: 'CLOSED', outcome: 'not-sent' });
  expect(await failureOf(producer.sendMany([order(2)]))).toMatchObject({ code: 'CLOSED' });
  expect(batches).toHaveLength(1);
  expect(clock.pending).toBe(0);
});

test('flush waits for what was called before, and not for what came later', async () => {
  const { client, batches, settle } = await createSenderStage({ maxBatchMessages: 1 });
  const producer = client.producer(plain);
  const sent = producer.send(order(1));
  await settle();
  let flushed = false;
  const flushing = producer.flush().then(() => (flushed = true));
  const later = producer.send(order(2));
  await settle();
  expect(flushed).toBe(false);
  batches[0]?.confirm();
  await flushing;
  batches[1]?.confirm();
  await Promise.all([sent, later]);
  await producer.flush();
  await client.close();
});

test('lingerMs waits to fill a batch', async () => {
  const { client, clock, batches, settle } = await createSenderStage();
  const producer = client.producer(plain, { lingerMs: 20 });
  const first = producer.send(order(1));
  await settle();
  await clock.advance(10);
  const second = producer.send(order(2));
  await settle();
  expect(batches).toHaveLength(0);
  await clock.advance(10);
  await settle();
  expect(batches[0]?.bodies).toEqual([order(1), order(2)]);
  batches[0]?.confirm();
  await Promise.all([first, second]);
  await client.close();
});

test('lingerMs holds up neither what fills a batch nor a flush, and leaves no timer', async () => {
  const { client, clock, batches, settle } = await createSenderStage({ maxBatchMessages: 3 });
  const producer = client.producer(plain, { lingerMs: 20 });
  const full = producer.sendMany([1, 2, 3].map((n) => order(n)));
  await settle();
  expect(batches.map(({ bodies }) => bodies)).toEqual([[order(1), order(2), order(3)]]);
  batches[0]?.confirm();
  await full;
  const alone = producer.send(order(4));
  await settle();
  expect(batches).toHaveLength(1);
  const flushed = producer.flush();
  await settle();
  expect(batches[1]?.bodies).toEqual([order(4)]);
  batches[1]?.confirm();
  await Promise.all([alone, flushed]);
  await client.close();
  expect(clock.pending).toBe(0);
});

test('middleware that refuses or delays a message of a key lets no later one of it pass', async () => {
  const { client, batches, settle } = await createSenderStage();
  let release = (): void => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const producer = client.producer(keyed, {
    use: [
      (next) => async (message) => {
        if (message.id === 'slow') await held;
        if (message.id === 'refused') throw new Error('not this one');
        return next(message);
      },
    ],
  });
  const ids = ['slow', 'after', 'refused', 'never', 'other'];
  const keys = ['a', 'a', 'b', 'b', 'c'];
  const sent = producer.sendMany(
    keys.map((key, n) => order(n, key)),
    (_, index) => ({ id: ids[index] }),
  );
  await settle();
  expect(batches.flatMap(({ messages }) => messages.map(({ id }) => id))).toEqual(['other']);
  release();
  batches[0]?.confirm();
  await settle();
  batches[1]?.confirm();
  await settle();
  batches[2]?.confirm();
  expect(batches.flatMap(({ messages }) => messages.map(({ id }) => id))).toEqual(['other', 'slow', 'after']);
  expect(codes(await sent)).toEqual(['ok', 'ok', 'UNKNOWN', 'CONFLICT', 'ok']);
  await client.close();
});

test.each([
  ['middleware', { use: [slowFirst] }, {}],
  ['an asynchronous schema', {}, { schema: slowSchema }],
])(
  '%s that takes its time over one of several sends lets no later one of its key pass',
  async (_, options, definition) => {
    const { client, batches, settle } = await createSenderStage();
    const producer = client.producer(
      defineQueue<Order>('keyed', { key: ({ k }) => k, ordering: 'key', ...definition }),
      options,
    );
    slow = Promise.withResolvers();
    const sent = [
      producer.sendMany([order(1, 'a'), order(2, 'b')]),
      producer.send(order(3, 'a')),
      producer.send(order(4, 'c')),
      producer.sendMany([order(5, 'a')]),
    ];
    await settle();
    expect(batches.flatMap(({ bodies }) => bodies)).not.toContainEqual(expect.objectContaining({ k: 'a' }));
    expect(batches.flatMap(({ bodies }) => bodies)).toContainEqual(order(4, 'c'));
    slow.resolve();
    for (let index = 0; index < 5; index++) {
      await settle();
      batches[index]?.confirm();
    }
    await Promise.all(sent);
    const ofA = batches.flatMap(({ bodies }) => bodies as readonly Order[]).filter(({ k }) => k === 'a');
    expect(ofA.map(({ n }) => n)).toEqual([1, 3, 5]);
    await client.close();
  },
);

test('middleware sees the encoded message, may change a copy, and keeps the rules of sendMany', async () => {
  const { client, batches, settle } = await createSenderStage({ atomicBatch: false });
  const producer: Producer<Order> = client.producer(keyed, {
    use: [(next) => (message) => next({ ...message, headers: { ...message.headers, via: 'first' } })],
  });
  const sent = producer.sendMany([order(1, 'a'), order(2, 'a')], { headers: { tenant: 't' } });
  await settle();
  expect(batches[0]?.messages.map(({ headers }) => headers)).toEqual([{ tenant: 't', via: 'first' }]);
  batches[0]?.answerEach([new BrokerError(false)]);
  expect(codes(await sent)).toEqual(['ACCESS_DENIED', 'CONFLICT']);
  await client.close();
});

test.each([
  [{ delayMs: -1 }, 'INVALID_OPTION'],
  [{ delayMs: 604_800_001 }, 'INVALID_OPTION'],
  [{ delayMs: Number.NaN }, 'INVALID_OPTION'],
  [{ headers: { 'anymq-attempt': '3' } }, 'INVALID_OPTION'],
  [{ headers: { CE_id: '3' } }, 'INVALID_OPTION'],
  [{ headers: { '': '3' } }, 'INVALID_OPTION'],
  [{ headers: { broken: '\ud800' } }, 'INVALID_OPTION'],
  [{ headers: { large: 'x'.repeat(16_384) } }, 'TOO_LARGE'],
  [{ id: '' }, 'INVALID_OPTION'],
  [{ key: 'k'.repeat(257) }, 'INVALID_OPTION'],
  [null as never, 'INVALID_OPTION'],
  [[] as never, 'INVALID_OPTION'],
  [{ headers: null as never }, 'INVALID_OPTION'],
  [{ headers: new Map([['tenant', 'a']]) as never }, 'INVALID_OPTION'],
  [{ signal: {} as never }, 'INVALID_OPTION'],
  [{ priority: 5 }, 'UNSUPPORTED'],
  [{ expiresAfterMs: 5 }, 'UNSUPPORTED'],
])('a send with %o is %s before anything is sent', async (options, code) => {
  const { client, batches, settle } = await createSenderStage();
  expect(await failureOf(client.producer(plain).send(order(1), options))).toMatchObject({ code });
  await settle();
  expect(batches).toHaveLength(0);
  await client.close();
});

test('bodies that cannot be encoded, and functions that throw on them, are INVALID_MESSAGE without a trace of the body', async () => {
  const { client } = await createSenderStage();
  const throwing = defineQueue<string>('throwing', {
    key: () => {
      throw new Error('secret body');
    },
  });
  for (const sent of [
    client.producer(throwing).send('secret body'),
    client.producer(plain).send(undefined as never),
    client.producer(plain).send({ n: 1n } as never),
  ]) {
    const error = await failureOf(sent);
    expect(error.code).toBe('INVALID_MESSAGE');
    expect(JSON.stringify([error.message, error.cause, error.stack])).not.toContain('secret');
  }
  await client.close();
});

test('an error of the client keeps its name and code, and none of its text', async () => {
  const { client, batches, settle } = await createSenderStage();
  const sent = failureOf(client.producer(plain).send(order(1)));
  await settle();
  batches[0]?.fail(Object.assign(new BrokerError(false), { code: 'EPERM' }));
  const error = await sent;
  expect(error).toMatchObject({
    code: 'ACCESS_DENIED',
    driver: 'scripted',
    retryable: false,
    cause: { name: 'Error', code: 'EPERM' },
  });
  expect(JSON.stringify([error.message, error.cause, error.stack])).not.toMatch(/4711|hunter2/);
  await client.close();
});

test.each([
  [
    'a codec that gives text',
    { codec: { contentType: 'text/plain', encode: () => 'text', decode: () => '' } as never },
  ],
  [
    'a codec that gives a promise',
    { codec: { contentType: 'a/b', encode: async () => bytes, decode: () => '' } as never },
  ],
  ['a type function that gives nothing', { type: () => undefined as never }],
])('%s makes an INVALID_MESSAGE, and nothing is sent', async (_, definition) => {
  const { client, batches, settle } = await createSenderStage();
  const sent = client.producer(defineQueue<unknown>('odd', definition)).send(1);
  expect(await failureOf(sent)).toMatchObject({ code: 'INVALID_MESSAGE', outcome: 'not-sent' });
  await settle();
  expect(batches).toHaveLength(0);
  await client.close();
});

test('what a schema answers later holds, whoever made the promise', async () => {
  // oxlint-disable-next-line unicorn/no-thenable -- as the promises of other libraries and realms are
  const foreign = { then: (resolve: (result: object) => void) => resolve({ issues: [{ message: 'no' }] }) };
  const schema = { '~standard': { version: 1, vendor: 'test', validate: () => foreign as never } } as const;
  const { client } = await createSenderStage();
  const sent = client.producer(defineQueue<unknown>('odd', { schema })).send(1);
  expect(await failureOf(sent)).toMatchObject({ code: 'INVALID_MESSAGE', message: expect.stringMatching(/schema/) });
  await client.close();
});

test('one signal of many messages is listened to once, aborts them all, and is left as it was', async () => {
  const { client, batches, settle } = await createSenderStage({ maxBatchesInFlight: 1 });
  const controller = new AbortController();
  const { signal } = controller;
  const listeners = (): number => getEventListeners(signal, 'abort').length;
  const producer = client.producer(plain);
  const first = producer.sendMany([order(1)], { signal });
  await settle();
  const sent = producer.sendMany(
    Array.from({ length: 100 }, (_, n) => order(n)),
    { signal },
  );
  await settle();
  expect(listeners()).toBe(1);
  batches[0]?.confirm();
  expect(codes(await first)).toEqual(['ok']);
  expect(listeners()).toBe(1);
  controller.abort();
  const results = await sent;
  expect(new Set(codes(results))).toEqual(new Set(['ABORTED']));
  expect(results.filter((result) => !result.ok && result.error.outcome === 'unknown')).toHaveLength(10);
  expect(listeners()).toBe(0);
  await client.close();
});
