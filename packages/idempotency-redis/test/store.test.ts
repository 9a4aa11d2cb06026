import { createRedisStore, type RedisClient } from '@anymq/idempotency-redis';
import { sharedBroker } from '@anymq/testing/brokers';
import { Redis } from 'ioredis';
import { afterAll, describe, expect, test } from 'vitest';

const url = sharedBroker('redis')?.url;
const lease = { leaseMs: 10_000 };

describe.runIf(url !== undefined)('on a real server', () => {
  const redis = new Redis(url ?? '', { lazyConnect: true });
  const calls: string[] = [];
  const noting = (isCluster: boolean): RedisClient => ({
    isCluster,
    callBuffer(command, ...args) {
      calls.push(command);
      return redis.callBuffer(command, ...args);
    },
  });
  afterAll(() => redis.disconnect());

  test('a step is one call, whatever the number of messages', async () => {
    const store = createRedisStore({ client: noting(false), prefix: 'one-call:' });
    await store.claim(['warm'], lease);
    calls.length = 0;
    const keys = Array.from({ length: 100 }, (_, n) => `key ${n}`);
    const answers = await store.claim(keys, lease);
    const claims = keys.map((key, n) => {
      const answer = answers[n];
      return { key, token: answer?.state === 'claimed' ? answer.token : '' };
    });
    await store.complete(claims, { retentionMs: 10_000 });
    expect(calls.filter((command) => command === 'evalsha')).toHaveLength(2);
  });

  test('on a cluster every script has one key, whatever server that is on', async () => {
    const store = createRedisStore({ client: noting(true), prefix: 'cluster:' });
    calls.length = 0;
    const answers = await store.claim(['a', 'b', 'c'], lease);
    expect(answers.map(({ state }) => state)).toEqual(['claimed', 'claimed', 'claimed']);
    expect(calls.filter((command) => command === 'evalsha')).toHaveLength(3);
  });

  test('a script that the server has forgotten is sent again', async () => {
    const store = createRedisStore({ client: redis, prefix: 'flushed:' });
    await redis.call('SCRIPT', 'FLUSH');
    expect(await store.claim(['a'], lease)).toMatchObject([{ state: 'claimed' }]);
  });

  test('a claim that is sent twice, as a client does after a lost connection, is one claim', async () => {
    const twice: RedisClient = {
      async callBuffer(command, ...args) {
        await redis.callBuffer(command, ...args);
        return redis.callBuffer(command, ...args);
      },
    };
    expect(await createRedisStore({ client: twice, prefix: 'twice:' }).claim(['a'], lease)).toMatchObject([
      { state: 'claimed' },
    ]);
  });
});

test('a server that does not answer is TIMEOUT', async () => {
  const silent: RedisClient = { callBuffer: () => new Promise(() => undefined) };
  const store = createRedisStore({ client: silent, timeoutMs: 20 });
  await expect(store.claim(['a'], lease)).rejects.toMatchObject({ code: 'TIMEOUT' });
});

test.each([{}, { client: {} }, { client: { callBuffer: () => null }, timeoutMs: 0 }, { prefix: 1 }, { url: 'redis:' }])(
  '%j is refused',
  (options) => {
    expect(() => createRedisStore(options as never)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }));
  },
);
