import { spawn } from 'node:child_process';
import { connect, defineQueue, type Handler, reject, retryLater } from '@anymq/core';
import { createRedisStreamsDriver, redisStreams } from '@anymq/redis-streams';
import { sharedBroker, startBroker } from '@anymq/testing/brokers';
import { startFaultProxy } from '@anymq/testing/proxy';
import { Redis } from 'ioredis';
import { afterAll, describe, expect, test } from 'vitest';
import { Traffic, type TrafficOptions } from './support/traffic.ts';

/** As the documentation says what has to survive a crash is to be kept. */
const configuration = { appendonly: 'yes', appendfsync: 'always' };
const own = sharedBroker('redis')?.container === undefined ? undefined : await startBroker('redis', { configuration });
const port = own === undefined ? 0 : Number(new URL(own.url).port);

const newNamespace = (): string => `o${crypto.randomUUID().slice(0, 8)}`;
const numbers = (count: number): readonly number[] => Array.from({ length: count }, (_, number) => number);

function openTraffic(at = port, namespace = newNamespace(), rest: Partial<TrafficOptions> = {}): Promise<Traffic> {
  return Traffic.open({ connect: () => createRedisStreamsDriver({ port: at, namespace }), leaseMs: 30_000, ...rest });
}

describe.runIf(own !== undefined)('on a server of its own', { timeout: 120_000 }, () => {
  afterAll(() => own?.container.stop());

  test('restarted in the middle of 20,000 messages: none is lost, and what comes twice was sent twice', async () => {
    const traffic = await openTraffic();
    const sending = traffic.send(numbers(20_000));
    await traffic.until(2000);
    await own?.container.restart();
    await sending;
    await traffic.allHandled();
    expect(traffic.confirmed.size).toBe(20_000);
    // Batches whose answer was lost, and that were sent again: at most 4 of 500. What was in hand is settled when the server is
    // back, and what was being read is fetched from what is pending: neither runs twice.
    expect(traffic.repeated).toBeLessThanOrEqual(4 * 500);
    await traffic.close();
  });

  test('killed right after it confirmed: nothing that was confirmed is lost, and nothing doubled', async () => {
    const namespace = newNamespace();
    const mq = await connect({ brokers: { main: own?.url ?? '' }, namespace }, { drivers: [redisStreams] });
    const sent = await mq.producer(defineQueue<number>('jobs')).sendMany(numbers(5000));
    await own?.container.kill();
    expect(sent.filter(({ ok }) => !ok)).toEqual([]);
    await mq.close();
    await own?.container.restart();
    const traffic = await openTraffic(port, namespace);
    await traffic.until(5000);
    expect(traffic.repeated).toBe(0);
    await traffic.close();
  });

  test('a consumer process is killed in the middle of handlers: others handle what it had', async () => {
    const namespace = newNamespace();
    const sending = await connect({ brokers: { main: own?.url ?? '' }, namespace }, { drivers: [redisStreams] });
    await sending.producer(defineQueue<number>('jobs')).sendMany(numbers(500));
    await sending.close();
    const begun = await runUntilStuck(namespace);
    const finished = begun.filter((number) => number % 10 !== 9);
    expect(begun.length - finished.length).toBe(20);
    const traffic = await openTraffic(port, namespace, { leaseMs: 2000 });
    for (const number of numbers(500)) if (!finished.includes(number)) traffic.confirmed.add(number);
    await traffic.allHandled();
    await expect.poll(() => traffic.left()).toBe(0);
    // What it had finished and not told the server yet runs again; nothing else does.
    expect(traffic.repeated).toBe(0);
    expect([...traffic.handled.keys()].filter((number) => finished.includes(number)).length).toBeLessThanOrEqual(
      finished.length,
    );
    await traffic.close();
  });

  test('a connection is cut at any byte of a send: the send goes on, and at most one copy more arrives', async () => {
    await using proxy = await startFaultProxy(port);
    const namespace = newNamespace();
    const mq = await connect(
      { brokers: { main: proxy.through(own?.url ?? '') }, namespace },
      { drivers: [redisStreams] },
    );
    const queue = defineQueue<number>('jobs');
    await mq.provision([queue]);
    const producer = mq.producer(queue, { timeoutMs: 20_000 });
    await producer.send(0);
    const before = proxy.counts.toServer;
    await producer.send(1);
    const length = proxy.counts.toServer - before;
    const stages = [1, 2, 15, Math.floor(length / 4), Math.floor(length / 2), length - 3, length - 1, length];
    for (const [index, bytes] of stages.entries()) {
      const cut = proxy.cutAfter({ bytes, direction: 'toServer' });
      await producer.send(index + 2);
      expect(await cut).toBe(true);
    }
    // A command that was cut short was never run: only the last two may have arrived without a word.
    const answer = proxy.cutBeforeAnswer({ request: 'xadd' });
    await producer.send(stages.length + 2);
    expect(await answer).toBe(true);
    await mq.close();
    const traffic = await openTraffic(port, namespace);
    await traffic.until(stages.length + 3);
    await expect.poll(() => traffic.left()).toBe(0);
    expect(traffic.repeated).toBeGreaterThanOrEqual(1);
    expect(traffic.repeated).toBeLessThanOrEqual(2);
    await traffic.close();
  });

  const endings: readonly (readonly [string, number, number, Handler<number>])[] = [
    ['acknowledged', 1, 0, () => undefined],
    ['tried again', 2, 0, (_, { attempt }) => (attempt === 1 ? retryLater(50) : undefined)],
    ['dead-lettered', 1, 1, () => reject('no')],
  ];
  test.each(endings)(
    'a connection is cut at any byte while a message is %s: it is, once',
    async (_, runs, letters, handler) => {
      await using proxy = await startFaultProxy(port);
      const namespace = newNamespace();
      let cutAt: number | undefined;
      const traffic = await openTraffic(proxy.port, namespace, {
        connectSender: () => createRedisStreamsDriver({ port, namespace }),
        handler: (number, delivery) => {
          if (cutAt !== undefined && delivery.attempt === 1)
            void proxy.cutAfter({ bytes: cutAt, direction: 'toServer' });
          cutAt = undefined;
          return handler(number, delivery);
        },
      });
      const stages = [1, 2, 15, 40, 100, 180, 250, 300, 350];
      for (const [number, bytes] of stages.entries()) {
        cutAt = bytes;
        await traffic.send([number]);
        await traffic.until(number + 1);
        await expect.poll(() => traffic.left(), { timeout: 20_000 }).toBe(0);
      }
      expect(traffic.confirmed.size).toBe(stages.length);
      expect([...traffic.handled.values()]).toEqual(stages.map(() => runs));
      expect(await traffic.deadLetters()).toBe(letters * stages.length);
      await traffic.close();
    },
  );

  test.each(['none', 'key'] as const)(
    'an idle consumer costs under 1 percent of a core, and few commands (ordering: %j)',
    async (ordering) => {
      const config = { brokers: { main: own?.url ?? '' }, namespace: newNamespace() };
      const mq = await connect(config, { drivers: [redisStreams] });
      const queue = defineQueue('idle', ordering === 'key' ? { ordering, key: () => 'k' } : {});
      await mq.consumer(queue, {}, () => undefined).start();
      // What it does once, when it begins, is not what an idle one costs.
      await pause(2000);
      await using commands = await monitor();
      const used = process.cpuUsage();
      const measuredMs = 6000;
      await pause(measuredMs);
      const { user, system } = process.cpuUsage(used);
      // Beside other work a process takes more time for the same: the strict bound is for a machine that does nothing else.
      expect((user + system) / 1000).toBeLessThan(measuredMs / (process.env['ANYMQ_TEST_ALONE'] === '1' ? 100 : 10));
      expect(commands.count).toBeGreaterThan(0);
      expect(commands.count / (measuredMs / 1000)).toBeLessThanOrEqual(ordering === 'none' ? 3 : 5);
      await mq.close();
    },
  );
});

interface Monitor extends AsyncDisposable {
  /** Commands that clients have sent; what scripts call is not among them. */
  readonly count: number;
}

async function monitor(): Promise<Monitor> {
  const client = new Redis({ port, protocol: 2 });
  const watching = await client.monitor();
  let count = 0;
  watching.on('monitor', (_time: string, _args: readonly string[], source: string) => {
    if (source !== 'lua') count += 1;
  });
  return {
    get count() {
      return count;
    },
    async [Symbol.asyncDispose]() {
      watching.disconnect();
      client.disconnect();
    },
  };
}

/** What is measured is how little happens meanwhile. */
function pause(ms: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, ms));
}

/** The messages whose handlers a process started, until all of its slots were taken and it was killed. */
function runUntilStuck(namespace: string): Promise<readonly number[]> {
  const program = new URL('support/consumer-process.ts', import.meta.url).pathname;
  const child = spawn(process.execPath, ['--conditions=source', program, own?.url ?? '', namespace], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  const begun = (): number[] => output.split('\n').slice(0, -1).map(Number);
  return new Promise((resolve, fail) => {
    child.on('error', fail);
    child.stdout.on('data', (chunk) => {
      output += String(chunk);
      if (begun().filter((number) => number % 10 === 9).length === 20) child.kill('SIGKILL');
    });
    child.on('close', () => resolve(begun()));
  });
}
