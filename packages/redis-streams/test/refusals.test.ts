import { inspect } from 'node:util';
import { connect, createClient, defineQueue, reject } from '@anymq/core';
import type { Address, Driver, Receiver } from '@anymq/core/driver';
import { createRedisStreamsDriver, redisStreams, type RedisStreamsDriverOptions } from '@anymq/redis-streams';
import { sharedBroker, startBroker } from '@anymq/testing/brokers';
import { Redis } from 'ioredis';
import { afterEach, describe, expect, test } from 'vitest';
import { type FakeServer, startFakeServer } from './support/fake-server.ts';
import { leastRights } from './support/rights.ts';
import { startCluster, startEach } from './support/servers.ts';
import { Traffic } from './support/traffic.ts';

const secret = 'hush/hush';
const connectTimeoutMs = 1500;

/** Of what `connect` rejects with, within the timeout and without the password. */
async function refusalOf(options: RedisStreamsDriverOptions): Promise<unknown> {
  const began = performance.now();
  const config = { brokers: { main: { driver: 'redis-streams', password: secret, connectTimeoutMs, ...options } } };
  const error: unknown = await connect(config, { drivers: [redisStreams] }).then(
    () => 'connected',
    (reason: unknown) => reason,
  );
  expect(performance.now() - began).toBeLessThan(connectTimeoutMs + 1000);
  expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(secret);
  return error;
}

describe('connecting is refused', () => {
  let fake: FakeServer | undefined;
  afterEach(() => fake?.close());

  test('where nobody listens', async () => {
    expect(await refusalOf({ port: 1 })).toMatchObject({ code: 'NOT_CONNECTED', retryable: true });
  });

  test('by a host that there is not', async () => {
    expect(await refusalOf({ host: 'nowhere.invalid' })).toMatchObject({ code: 'NOT_CONNECTED' });
  });

  test.each([['the server'], ['a node of the cluster'], ['a sentinel']])('by silence of %s', async (who) => {
    fake = await startFakeServer();
    const place = { host: '127.0.0.1', port: fake.port };
    const options = who === 'the server' ? place : who === 'a sentinel' ? { sentinels: [place] } : { cluster: [place] };
    expect(await refusalOf(options)).toMatchObject({ code: 'NOT_CONNECTED' });
  });

  test.each(['6.2.14', '5.0.7'])('by a server of version %s, saying what is needed', async (version) => {
    fake = await startFakeServer([`redis_version:${version}`, 'loading:0']);
    const error = await refusalOf({ port: fake.port });
    expect(error).toMatchObject({ code: 'SERVER_TOO_OLD', retryable: false });
    expect(String(error)).toContain(`version ${version}: anymq needs Redis 7.0 or later`);
  });

  test('by a server that has no WAITAOF, where that is asked for', async () => {
    fake = await startFakeServer(['redis_version:7.0.15', 'loading:0']);
    const error = await refusalOf({ port: fake.port, waitAof: true });
    expect(error).toMatchObject({ code: 'SERVER_TOO_OLD' });
    expect(String(error)).toContain('waitAof needs Redis 7.2');
  });
});

const queue: Address = { kind: 'queue', name: 'jobs', ordering: 'none', partitions: 8 };

describe.runIf(sharedBroker('redis')?.container !== undefined)('a server refuses', () => {
  const url = sharedBroker('redis')?.url ?? '';
  const place = { host: '127.0.0.1', port: Number(url === '' ? 0 : new URL(url).port) };

  async function withUser<T>(
    rights: readonly string[],
    work: (user: RedisStreamsDriverOptions) => Promise<T>,
  ): Promise<T> {
    const admin = new Redis(url);
    const username = `test-${crypto.randomUUID().slice(0, 8)}`;
    await admin.acl('SETUSER', username, 'on', `>${secret}`, ...rights);
    try {
      return await work({ ...place, username, password: secret, namespace: username.slice(0, 16) });
    } finally {
      await admin.acl('DELUSER', username);
      admin.disconnect();
    }
  }

  test('a wrong password', async () => {
    const wrong = { ...place, username: 'nobody', password: `${secret}!` };
    expect(await refusalOf(wrong)).toMatchObject({ code: 'UNAUTHENTICATED', retryable: false });
  });

  test('a wrong password, in a cluster; the right one, with the least rights, does', async () => {
    const cluster = await startCluster({ masters: 3 });
    const nodes = cluster.ports.map((port) => ({ host: '127.0.0.1', port }));
    const rights = ['on', `>${secret}`, '~shop_*', '~{shop_*', ...leastRights(), '+cluster|slots', '+cluster|info'];
    for (const port of cluster.ports) {
      await cluster.container.exec(['redis-cli', '-p', String(port), 'acl', 'setuser', 'shop', ...rights]);
    }
    const user = { cluster: nodes, username: 'shop', password: secret, namespace: 'shop' };
    const traffic = await Traffic.open({ connect: () => createRedisStreamsDriver(user) });
    await traffic.sendAll(100);
    await traffic.allHandled();
    await traffic.close();
    const error = await refusalOf({ cluster: nodes, username: 'nobody', password: secret });
    expect(error).toMatchObject({ code: 'UNAUTHENTICATED', retryable: false });
    await cluster.container.stop();
  }, 60_000);

  test('what a user may not do', async () => {
    await withUser(['~*', '+@connection', '+info'], async (user) => {
      const driver = await createRedisStreamsDriver(user);
      const denied: unknown = await driver
        .provision({ destinations: [{ address: queue, groups: [] }] }, 'create')
        .catch((error: unknown) => error);
      expect(driver.classifyError(denied)).toMatchObject({ code: 'ACCESS_DENIED', retryable: false });
      await driver.close();
    });
  });

  test('keys of another type; what ends a message leaves it pending where its copy cannot be written', async () => {
    const namespace = `r${crypto.randomUUID().slice(0, 8)}`;
    const driver = await createRedisStreamsDriver({ ...place, namespace });
    const admin = new Redis(url);
    const classified = async (work: Promise<unknown>): Promise<unknown> =>
      driver.classifyError(await work.catch((error: unknown) => error));
    await admin.mset(`${namespace}_other`, 'x', `{${namespace}_jobs}:dead`, 'x');
    const other = { ...queue, name: 'other' };
    const mismatch = { code: 'TOPOLOGY_MISMATCH', retryable: false, outcome: 'not-sent' };
    const planned = [{ address: other, groups: [] }];
    expect(await classified(driver.provision({ destinations: planned }, 'create'))).toEqual(mismatch);
    expect(await classified(sendTo(driver, other))).toEqual(mismatch);

    await sendTo(driver, queue);
    await driver.provision({ destinations: [{ address: queue, groups: [] }] }, 'create');
    const receiver = await openReceiver(driver);
    const [received] = await receiver.receive({ signal, maxMessages: 1, maxBytes: 1e6 });
    const failure = { name: 'E', message: 'm', attempts: 1, firstFailedAt: 1, lastFailedAt: 1, destination: 'jobs' };
    const settling = [{ token: received?.token ?? '', outcome: { kind: 'deadLetter', failure } as const }];
    expect(await classified(receiver.settleBatch(settling))).toEqual(mismatch);
    expect((await admin.xpending(`${namespace}_jobs`, 'anymq'))[0]).toBe(1);
    await admin.del(`{${namespace}_jobs}:dead`);
    expect(await receiver.settleBatch(settling)).toEqual([{ ok: true }]);
    expect(await driver.inspect(queue)).toMatchObject({ inFlight: { value: 0 }, deadLetters: { value: 1 } });
    await driver.close();
    admin.disconnect();
  });

  test('writes to a replica: it is not sent, and said so', async () => {
    const { ports, container } = await startEach(2, ([master, replica], index) =>
      index === 0 ? [`port ${master}`] : [`port ${replica}`, `replicaof 127.0.0.1 ${master}`],
    );
    const driver = await createRedisStreamsDriver({ port: ports[1] });
    const refused = { code: 'NOT_CONNECTED', retryable: true, outcome: 'not-sent' };
    for (const count of [1, 2]) {
      const error: unknown = await sendTo(driver, queue, count).catch((reason: unknown) => reason);
      expect(driver.classifyError(error)).toEqual(refused);
      await expect.poll(() => driver.check().catch(() => 'not yet')).toBeUndefined();
    }
    await driver.close();
    await container.stop();
  }, 30_000);

  test('new messages without memory for them; what is there is worked off, also by who starts now', async () => {
    const broker = await startBroker('redis', { configuration: { 'maxmemory-policy': 'noeviction' } });
    const mq = await createClient(await createRedisStreamsDriver({ port: Number(new URL(broker.url).port) }));
    const jobs = defineQueue<number>('jobs');
    const numbers = Array.from({ length: 1000 }, (_, index) => index);
    await mq.provision([jobs]);
    await mq.producer(jobs).sendMany(numbers);
    await broker.container.exec(['redis-cli', 'config', 'set', 'maxmemory', '1']);
    const full = mq.producer(jobs, { timeoutMs: 2000 });
    const refused = { code: 'TIMEOUT', outcome: 'not-sent' };
    await expect(full.send(1)).rejects.toMatchObject(refused);
    for (const result of await full.sendMany([1, 2])) expect(result).toMatchObject({ ok: false, error: refused });
    const runs = new Map<number, number>();
    const consumer = mq.consumer(jobs, { retry: { maxAttempts: 5, backoff: () => 100 } }, (number) => {
      const run = (runs.get(number) ?? 0) + 1;
      runs.set(number, run);
      if (number === 8 && run < 3) throw new Error('later');
      return number === 7 ? reject('never') : undefined;
    });
    await consumer.start();
    await expect.poll(async () => (await mq.inspect(jobs)).backlog.value, { timeout: 10_000 }).toBe(0);
    await expect.poll(() => runs.get(8), { timeout: 10_000 }).toBe(3);
    expect(runs.size).toBe(1000);
    await expect.poll(async () => (await mq.inspect(jobs)).deadLetters.value).toBe(1);
    await broker.container.exec(['redis-cli', 'config', 'set', 'maxmemory', '0']);
    await mq.producer(jobs).send(2000);
    await expect.poll(() => runs.get(2000)).toBe(1);
    await mq.close();
    await broker.container.stop();
  }, 40_000);
});

const { signal } = new AbortController();

function openReceiver(driver: Pick<Driver, 'openReceiver'>): Promise<Receiver> {
  const options = { maxInFlight: 100, maxBytes: 1e6, ordered: false, leaseMs: 30_000, onLost: () => undefined };
  return driver.openReceiver(queue, options);
}

async function sendTo(driver: Pick<Driver, 'openSender'>, to: Address, count = 1): Promise<void> {
  const sender = await driver.openSender(to);
  const message = { headers: {}, time: new Date(), type: 't', source: '/s', body: Buffer.from('1') };
  const messages = Array.from({ length: count }, (_, index) => ({ ...message, id: String(index) }));
  await sender.sendBatch(messages, { signal });
}
