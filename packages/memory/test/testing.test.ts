import { defineConsumer, defineQueue, defineTopic, exponential, reject, retryLater, timeout } from '@anymq/core';
import { createTestClient } from '@anymq/memory/testing';
import { expect, test } from 'vitest';

const orders = defineQueue<number>('orders');
const changes = defineTopic<number>('changes', { groups: ['app'] });
const retry = { maxAttempts: 3, backoff: exponential({ initialMs: 60_000, jitter: 'none' }) };

test('tells what became of each message, without waiting for the delays', async () => {
  await using mq = await createTestClient();
  const failures = new Map([
    [2, 1],
    [3, 99],
  ]); // body → how often it fails
  const { acknowledged, retried, deadLettered, elapsedMs } = await mq.handle(
    orders,
    (order, { attempt }) => {
      if (attempt <= (failures.get(order) ?? 0)) throw new RangeError(`attempt ${attempt}`);
      return order === 4 ? reject('unknown product') : undefined;
    },
    [1, 2, 3, 4],
    { retry },
  );
  expect(acknowledged.map(({ body, runs }) => [body, runs])).toEqual([
    [1, 1],
    [2, 2],
  ]);
  expect(retried.map(({ body }) => body)).toEqual([2, 3]);
  expect(deadLettered.map(({ body, runs, letter }) => [body, runs, letter.reason.message])).toEqual([
    [3, 3, 'attempt 3'],
    [4, 1, 'unknown product'],
  ]);
  expect(retried[0]?.errors).toEqual([new RangeError('attempt 1')]);
  expect(elapsedMs).toBe(180_000);
});

test('a topic with one group needs no group', async () => {
  await using mq = await createTestClient();
  const { acknowledged } = await mq.handle(changes, () => undefined, [1, 2], { send: { delayMs: 86_400_000 } });
  expect(acknowledged.map(({ body }) => body)).toEqual([1, 2]);
  expect(mq.clock.now()).toBeGreaterThanOrEqual(Date.UTC(2026, 0, 2));
});

test('awaits handlers that take real time, with the clock standing still', async () => {
  await using mq = await createTestClient();
  const startedAt = mq.clock.now();
  const { acknowledged } = await mq.handle(orders, () => new Promise<void>((resolve) => setTimeout(resolve, 30)), [1], {
    leaseMs: 1000,
  });
  expect(acknowledged).toHaveLength(1);
  expect(mq.clock.now() - startedAt).toBe(0);
});

test('a handler that waits for the clock goes on when the test lets time pass', async () => {
  await using mq = await createTestClient();
  const begun = Promise.withResolvers<void>();
  const hang = (_body: number, { signal }: { readonly signal: AbortSignal }): Promise<void> => {
    begun.resolve();
    return new Promise((_resolve, fail) => signal.addEventListener('abort', () => fail(signal.reason as Error)));
  };
  const handled = mq.handle(orders, hang, [1], { retry: false, use: [timeout({ afterMs: 10_000, clock: mq.clock })] });
  await begun.promise;
  await mq.clock.advance(10_000);
  const { deadLettered } = await handled;
  expect(deadLettered[0]?.letter.reason.name).toBe('TimeoutError');
});

test('survives faults of the broker', async () => {
  await using mq = await createTestClient();
  mq.broker.faults.failSend({ times: 2 });
  mq.broker.faults.failSettle({ times: 2 });
  const { acknowledged } = await mq.handle(orders, () => undefined, [1, 2, 3]);
  expect(acknowledged).toHaveLength(3);
});

test('an undecodable message is among the dead letters, without a body', async () => {
  await using mq = await createTestClient();
  const strict = defineQueue<number>('orders', {
    codec: {
      contentType: 'x/y',
      encode: () => new Uint8Array(1),
      decode: () => {
        throw new SyntaxError('no');
      },
    },
  });
  const { deadLettered } = await mq.handle(strict, () => undefined, [1]);
  expect(deadLettered).toMatchObject([{ body: undefined, runs: 0 }]);
});

test('with deadLetter: false a failing message is discarded', async () => {
  await using mq = await createTestClient();
  const { discarded, acknowledged } = await mq.handle(orders, () => Promise.reject(new Error('no')), [1], {
    deadLetter: false,
    retry: false,
  });
  expect([discarded.length, acknowledged.length]).toEqual([1, 0]);
});

test('a handler that never comes to an end is a TIMEOUT', async () => {
  await using mq = await createTestClient();
  const handled = mq.handle(orders, () => retryLater(3_600_000, { charge: false }), [1], { withinMs: 86_400_000 });
  await expect(handled).rejects.toMatchObject({ code: 'TIMEOUT' });
});

test('untilIdle serves consumers that the test started itself', async () => {
  await using mq = await createTestClient();
  const seen: number[] = [];
  const producer = mq.producer(changes);
  const first = mq.run(
    defineConsumer(orders, {}, async (order) => void (await producer.send(order * 10, { delayMs: 1000 }))),
  );
  const second = mq.batchConsumer(
    changes,
    { group: 'app' },
    async (batch) => void seen.push(...batch.map(({ body }) => body)),
  );
  await Promise.all([first.start(), second.start()]);
  await mq.producer(orders).sendMany([1, 2]);
  await mq.untilIdle();
  expect(seen.toSorted((a, b) => a - b)).toEqual([10, 20]);
});

test('untilIdle says so when nothing handles what waits', async () => {
  await using mq = await createTestClient();
  await mq.provision([orders]);
  await mq.producer(orders).send(1);
  await expect(mq.untilIdle()).rejects.toMatchObject({ code: 'TIMEOUT' });
});
