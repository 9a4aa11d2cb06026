import type { Address, Driver, OutgoingMessage } from '@anymq/core/driver';
import {
  createRedisStreamsDriver,
  type RedisStreamsCapabilities,
  type RedisStreamsDriverOptions,
} from '@anymq/redis-streams';
import { sharedBroker, startBroker } from '@anymq/testing/brokers';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { eventually, type Servers, startEach } from './support/servers.ts';

const queue: Address = { kind: 'queue', name: 'jobs', ordering: 'none', partitions: 8 };
const topic: Address = { ...queue, kind: 'topic', name: 'news', retentionMs: 60_000 };
const { signal } = new AbortController();

const messages = (...ids: readonly string[]): OutgoingMessage[] =>
  ids.map((id) => ({ id, headers: {}, time: new Date(), type: 't', source: '/s', body: Buffer.from('x') }));

describe.runIf(sharedBroker('redis')?.container !== undefined)('confirmed by more than the server', () => {
  let servers: Servers;
  let driver: Driver<RedisStreamsCapabilities> | undefined;
  beforeAll(async () => {
    servers = await startEach(2, ([master, replica], index) =>
      index === 0 ? [`port ${master}`] : [`port ${replica}`, `replicaof 127.0.0.1 ${master}`],
    );
    await eventually(servers.ports[0] ?? 0, async (master) => (await master.info()).includes('state=online'));
  }, 60_000);
  afterEach(() => driver?.close());
  afterAll(() => servers.container.stop());

  async function connect(options: RedisStreamsDriverOptions): Promise<Driver<RedisStreamsCapabilities>> {
    driver = await createRedisStreamsDriver({ port: servers.ports[0], waitTimeoutMs: 1000, ...options });
    const destinations = [queue, topic].map((address) => ({ address, groups: [] }));
    await driver.provision({ destinations }, 'create');
    return driver;
  }

  test('waitReplicas: a send is confirmed when the replica has it', async () => {
    const sender = await (await connect({ waitReplicas: 1 })).openSender(queue);
    const [one] = await sender.sendBatch(messages('one'), { signal });
    const [two, three] = await sender.sendBatch(messages('two', 'three'), { signal });
    expect([one?.ok, two?.ok, three?.ok]).toEqual([true, true, true]);
    const replica = new Redis({ port: servers.ports[1] ?? 0 });
    expect(await replica.xlen('anymq_jobs')).toBe(3);
    replica.disconnect();
  });

  test('without as many replicas a send ends in TIMEOUT and unknown, stored or not; nothing else waits for it', async () => {
    const connected = await connect({ waitReplicas: 2 });
    const before = (await connected.inspect(queue)).backlog.value ?? 0;
    for (const [to, ids] of [
      [queue, ['alone']],
      [topic, ['in', 'a batch']],
    ] as const) {
      const sender = await connected.openSender(to);
      const began = performance.now();
      const sending = sender.sendBatch(messages(...ids), { signal });
      const failing = sending.catch((error: unknown) => connected.classifyError(error));
      await connected.inspect(queue);
      expect(performance.now() - began).toBeLessThan(500);
      expect(await failing).toEqual({ code: 'TIMEOUT', retryable: true, outcome: 'unknown' });
      expect(performance.now() - began).toBeLessThan(2000);
    }
    expect((await connected.inspect(queue)).backlog.value).toBe(before + 1);
  });

  test('a connection that was lost between the send and its wait confirms nothing', async () => {
    const connected = await connect({ waitReplicas: 1 });
    const sender = await connected.openSender(queue);
    await sender.sendBatch(messages('first'), { signal });
    // The wait is under way, and cannot end.
    await servers.container.exec(['sh', '-c', `kill -STOP $(cat /data/${servers.ports[1]}/pid)`]);
    const failing = sender.sendBatch(messages('cut'), { signal }).catch((error: unknown) => error);
    const admin = new Redis({ port: servers.ports[0] ?? 0 });
    await expect.poll(async () => (await admin.info('clients')).includes('blocked_clients:1')).toBe(true);
    await admin.call('CLIENT', 'KILL', 'TYPE', 'normal');
    admin.disconnect();
    await servers.container.exec(['sh', '-c', `kill -CONT $(cat /data/${servers.ports[1]}/pid)`]);
    expect(connected.classifyError(await failing)).toMatchObject({ retryable: true, outcome: 'unknown' });
  });

  test('when the last replica is gone, a send says so within its time', async () => {
    const connected = await connect({ waitReplicas: 1 });
    const sender = await connected.openSender(queue);
    await servers.kill(servers.ports[1] ?? 0);
    const error: unknown = await sender.sendBatch(messages('gone'), { signal }).catch((reason: unknown) => reason);
    expect(connected.classifyError(error)).toMatchObject({ code: 'TIMEOUT', outcome: 'unknown' });
  });

  test('waitAof: a send is confirmed when it is on disk; a server without a file for it is refused', async () => {
    const refused: unknown = await connect({ waitAof: true }).catch((error: unknown) => error);
    expect(refused).toMatchObject({
      code: 'UNSUPPORTED',
      message: expect.stringContaining('appendonly yes') as string,
    });
    const broker = await startBroker('redis', { configuration: { appendonly: 'yes', appendfsync: 'everysec' } });
    // The server writes to disk every second, and later where the disk is busy.
    const connected = await connect({
      port: Number(new URL(broker.url).port),
      waitAof: true,
      waitTimeoutMs: 5000,
    });
    const sender = await connected.openSender(queue);
    const [result] = await sender.sendBatch(messages('kept'), { signal });
    expect(result?.ok).toBe(true);
    await broker.container.exec(['redis-cli', 'config', 'set', 'appendfsync', 'no']);
    const error: unknown = await sender.sendBatch(messages('written'), { signal }).catch((reason: unknown) => reason);
    expect(connected.classifyError(error)).toMatchObject({ code: 'TIMEOUT', outcome: 'unknown' });
    await connected.close();
    await broker.container.stop();
  }, 30_000);
});
