import type { Address, Driver, Received, Receiver } from '@anymq/core/driver';
import { createRedisStreamsDriver, type RedisStreamsDriverOptions } from '@anymq/redis-streams';
import { sharedBroker } from '@anymq/testing/brokers';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { keysOf } from '../src/keys.ts';

const url = sharedBroker('redis')?.url;

const queue: Address = { kind: 'queue', name: 'jobs', ordering: 'none', partitions: 8 };
const topic: Address = { kind: 'topic', name: 'news', ordering: 'none', partitions: 8 };
const lanes: Address = { ...queue, name: 'lanes', ordering: 'key', partitions: 2 };
const { signal } = new AbortController();

/** What only Redis does. */
describe.runIf(url !== undefined)('on a server', () => {
  const admin = new Redis(url ?? '', { lazyConnect: true });
  const drivers: Driver[] = [];
  let namespace = '';

  beforeAll(() => admin.connect());
  afterEach(async () => {
    await Promise.all(drivers.splice(0).map((driver) => driver.close()));
    const keys = await admin.keys(`*${namespace}*`);
    if (keys.length > 0) await admin.del(...keys);
  });
  afterAll(() => admin.disconnect());

  async function connect(rest: RedisStreamsDriverOptions = {}): Promise<Driver> {
    if (drivers.length === 0) namespace = `u${crypto.randomUUID().slice(0, 8)}`;
    const driver = await createRedisStreamsDriver({ client: admin, namespace, ...rest });
    drivers.push(driver);
    return driver;
  }

  async function provision(driver: Driver, address: Address, groups: readonly string[] = []): Promise<void> {
    const planned = groups.map((name) => ({ name, startAt: 'latest' }) as const);
    await driver.provision({ destinations: [{ address, groups: planned }] }, 'create');
  }

  async function send(driver: Driver, to: Address, ids: readonly string[]): Promise<void> {
    const sender = await driver.openSender(to);
    const message = { headers: {}, time: new Date(), type: 't', source: '/s', body: Buffer.from('x') };
    await sender.sendBatch(
      ids.map((id) => ({ ...message, id, key: id })),
      { signal },
    );
  }

  function open(driver: Driver, from: Address, leaseMs = 1000): Promise<Receiver> {
    const isOrdered = from.ordering === 'key';
    return driver.openReceiver(from, {
      maxInFlight: 100,
      maxBytes: 1e6,
      ordered: isOrdered,
      leaseMs,
      onLost: () => undefined,
    });
  }

  async function take(receiver: Receiver, count: number): Promise<readonly Received[]> {
    const taken: Received[] = [];
    while (taken.length < count)
      taken.push(...(await receiver.receive({ signal, maxMessages: count - taken.length, maxBytes: 1e6 })));
    return taken;
  }

  async function acknowledge(receiver: Receiver, received: readonly Received[]): Promise<void> {
    const results = await receiver.settleBatch(
      received.map(({ token }) => ({ token, outcome: { kind: 'acknowledge' } })),
    );
    expect(results.every(({ ok }) => ok)).toBe(true);
  }

  test('an acknowledged message of a queue is deleted', async () => {
    const driver = await connect();
    await provision(driver, queue);
    await send(driver, queue, ['a', 'b']);
    const receiver = await open(driver, queue);
    await acknowledge(receiver, await take(receiver, 2));
    expect(await admin.xlen(`${namespace}_jobs`)).toBe(0);
  });

  test('the mark of a run is taken back when its lease was lost and its process lives', async () => {
    const driver = await connect();
    await provision(driver, queue);
    await send(driver, queue, ['a']);
    const slow = await open(driver, queue);
    const [{ token } = { token: '' }] = await take(slow, 1);
    await slow.markStarted?.([token]);
    const { notes } = keysOf(namespace, queue);
    const marks = async (): Promise<readonly string[]> => Object.values(await admin.hgetall(notes));
    expect(await marks()).toEqual(['1']);
    const other = await open(driver, queue);
    const [again] = await take(other, 1);
    expect(again).toMatchObject({ id: 'a', crashCount: 1 });
    await slow.settleBatch([{ token, outcome: { kind: 'acknowledge' } }]);
    await expect.poll(marks).toEqual([]);
    await acknowledge(other, again === undefined ? [] : [again]);
  }, 20_000);

  test('a topic without history is trimmed behind its slowest group', async () => {
    const driver = await connect();
    await provision(driver, topic, ['fast', 'slow']);
    await send(driver, topic, ['a', 'b', 'c']);
    const [fast, slow] = [
      { ...topic, group: 'fast' },
      { ...topic, group: 'slow' },
    ];
    const first = await open(driver, fast, 1000);
    await acknowledge(first, await take(first, 3));
    const second = await open(driver, slow, 30_000);
    const [a, b, c] = await take(second, 3);
    await acknowledge(second, [a, c] as readonly Received[]);
    await expect.poll(() => admin.xlen(`${namespace}_news`), { timeout: 15_000 }).toBe(2);
    expect((await driver.inspect(slow)).inFlight.value).toBe(1);
    await acknowledge(second, [b] as readonly Received[]);
    await expect.poll(() => admin.xlen(`${namespace}_news`), { timeout: 15_000 }).toBe(0);
    await send(driver, topic, ['d']);
    expect((await take(first, 1)).map(({ id }) => id)).toEqual(['d']);
    expect((await driver.inspect(slow)).backlog).toEqual({ value: 1, exact: true });
  }, 40_000);

  test.each([queue, lanes])(
    'a stream that was deleted under its receiver is made again, and what comes then is received ($name)',
    async (address) => {
      const driver = await connect();
      await provision(driver, address);
      const receiver = await open(driver, address);
      const monitor = await admin.duplicate().monitor();
      const isWaiting = new Promise<void>((resolve) =>
        monitor.on('monitor', (_time: string, args: readonly string[]) => {
          if (args.includes('block') && args.some((arg) => arg.includes(namespace))) resolve();
        }),
      );
      const receiving = take(receiver, 1);
      await isWaiting;
      monitor.disconnect();
      const keys = await admin.keys(`*${namespace}*`);
      await admin.del(...keys);
      await send(driver, address, ['later']);
      const received = await receiving;
      expect(received.map(({ id }) => id)).toEqual(['later']);
      await acknowledge(receiver, received);
    },
  );

  test('a receiver that was closed leaves no member behind', async () => {
    const driver = await connect();
    await provision(driver, queue);
    const receiver = await open(driver, queue);
    await receiver.receive({ signal: AbortSignal.timeout(50), maxMessages: 1, maxBytes: 1 });
    await receiver.close();
    expect(await admin.xinfo('CONSUMERS', `${namespace}_jobs`, 'anymq')).toEqual([]);
    expect(await admin.zcard(`{${namespace}_jobs}:alive`)).toBe(0);
  });

  test('remove leaves no key', async () => {
    const driver = await connect();
    for (const address of [queue, lanes]) {
      await provision(driver, address);
      await send(driver, address, ['a']);
      const receiver = await open(driver, address);
      await take(receiver, 1);
      await receiver.close();
      await driver.remove(address);
    }
    await provision(driver, topic, ['one', 'two']);
    const receiver = await open(driver, { ...topic, group: 'one' });
    await receiver.close();
    await driver.remove(topic);
    expect(await admin.keys(`*${namespace}*`)).toEqual([]);
  });

  test('a foreign message is dead-lettered and comes back with the id that it was shown with', async () => {
    const driver = await connect();
    await provision(driver, queue);
    const entry = await admin.xadd(`${namespace}_jobs`, '*', 'data', 'x', 'tenant', 'b');
    const receiver = await open(driver, queue);
    const [first] = await take(receiver, 1);
    expect(first?.id).toBe(entry);
    const failure = { name: 'E', message: 'm', attempts: 1, firstFailedAt: 1, lastFailedAt: 1, destination: 'jobs' };
    await receiver.settleBatch([{ token: first?.token ?? '', outcome: { kind: 'deadLetter', failure } }]);
    const store = await driver.openDeadLetters(queue);
    const { letters } = await store.page(undefined, { limit: 10 });
    expect(letters.map(({ id, headers }) => ({ id, headers: { ...headers } }))).toEqual([
      { id: entry, headers: { tenant: 'b' } },
    ]);
    await store.requeue(letters.map(({ ref }) => ref));
    const again = await take(receiver, 1);
    expect(again[0]?.id).toBe(entry);
    await acknowledge(receiver, again);
  });
});
