import { spawn } from 'node:child_process';
import { connect, defineQueue, type Client } from '@anymq/core';
import { rabbitmq } from '@anymq/rabbitmq';
import { sharedBroker, startBroker } from '@anymq/testing/brokers';
import { startFaultProxy, type FaultProxy } from '@anymq/testing/proxy';
import { afterAll, describe, expect, test } from 'vitest';

const own = sharedBroker('rabbitmq')?.container === undefined ? undefined : await startBroker('rabbitmq');
const url = own?.url ?? '';

interface Job {
  readonly n: number;
}
const jobs = defineQueue<Job>('jobs');
const newNamespace = (): string => `o${crypto.randomUUID().slice(0, 8)}`;
const numbers = (count: number): readonly Job[] => Array.from({ length: count }, (_, n) => ({ n }));

function open(namespace: string, at: string = url): Promise<Client> {
  return connect({ brokers: { main: at }, namespace }, { drivers: [rabbitmq] });
}

/** How often each was handled, and whether all were. */
class Tally {
  readonly #counts = new Map<number, number>();
  readonly #waits: { readonly isDone: () => boolean; readonly resolve: () => void }[] = [];

  add({ n }: Job): void {
    this.#counts.set(n, (this.#counts.get(n) ?? 0) + 1);
    for (const { isDone, resolve } of this.#waits) if (isDone()) resolve();
  }

  get handled(): number {
    return this.#counts.size;
  }

  get repeated(): number {
    return [...this.#counts.values()].reduce((sum, count) => sum + count - 1, 0);
  }

  until(count: number): Promise<void> {
    const isDone = (): boolean => this.handled >= count;
    return isDone() ? Promise.resolve() : new Promise((resolve) => void this.#waits.push({ isDone, resolve }));
  }
}

async function consume(mq: Client, tally: Tally, concurrency = 50): Promise<void> {
  await mq.consumer(jobs, { concurrency }, (job) => tally.add(job)).start();
}

describe.runIf(own !== undefined)('on a broker of its own', { timeout: 120_000 }, () => {
  afterAll(() => own?.container.stop());

  test('restarted in the middle of 20,000 messages: none is lost, and what comes twice was on its way', async () => {
    const total = 20_000;
    await using mq = await open(newNamespace());
    const tally = new Tally();
    await consume(mq, tally);
    const producer = mq.producer(jobs, { timeoutMs: 60_000 });
    const sending = producer.sendMany(numbers(total));
    await tally.until(total / 10);
    await own?.container.restart();
    const sent = await sending;
    expect(sent.filter(({ ok }) => !ok)).toEqual([]);
    await tally.until(total);
    // Sent again: batches whose confirms were lost (at most 4 of 1000). Delivered again: what was in this consumer's hands.
    expect(tally.repeated).toBeLessThanOrEqual(4 * 1000 + 2000);
  });

  const firstSends = [
    { to: 'a queue that was just made', count: 5000, options: {} },
    { to: 'queues of delays that were just made', count: 100, options: { delayMs: 3000 } },
  ] as const;
  test.each(firstSends)(
    'killed right after it confirmed the first messages to $to: none is lost, and none doubled',
    async ({ count, options }) => {
      const namespace = newNamespace();
      await using mq = await open(namespace);
      const sent = await mq.producer(jobs).sendMany(numbers(count), options);
      await own?.container.kill();
      expect(sent.filter(({ ok }) => !ok)).toEqual([]);
      await own?.container.restart();
      await using other = await open(namespace);
      const tally = new Tally();
      await consume(other, tally);
      await tally.until(count);
      expect(tally.repeated).toBe(0);
    },
  );

  test('a consumer process that is killed in the middle of handlers: others handle what it had', async () => {
    const namespace = newNamespace();
    const total = 500;
    await using mq = await open(namespace);
    const sent = await mq.producer(jobs).sendMany(numbers(total));
    expect(sent.filter(({ ok }) => !ok)).toEqual([]);
    const begun = await runUntilStuck(namespace);
    // It took all of its 20 slots with those that never end.
    expect(begun.filter((n) => n % 10 === 9)).toHaveLength(20);
    const tally = new Tally();
    await consume(mq, tally);
    const finished = begun.filter((n) => n % 10 !== 9);
    await tally.until(total - finished.length);
    // What it had finished and not told the broker yet may come again: no more than it had fetched.
    expect(tally.handled + tally.repeated).toBeLessThanOrEqual(total);
    const unfinished = numbers(total).filter(({ n }) => !finished.includes(n));
    expect(tally.handled).toBeGreaterThanOrEqual(unfinished.length);
  });

  test('a connection that is cut at any byte of a send: the send goes on, and at most one copy more arrives', async () => {
    await throughProxy(async (proxy, mq, tally) => {
      const producer = mq.producer(jobs, { timeoutMs: 20_000 });
      await producer.send({ n: 0 });
      const before = proxy.counts.toServer;
      await producer.send({ n: 1 });
      const length = proxy.counts.toServer - before;
      const cuts = [1, 7, 8, Math.floor(length / 4), Math.floor(length / 2), length - 1, length];
      for (const [index, bytes] of cuts.entries()) {
        const cut = proxy.cutAfter({ bytes, direction: 'toServer' });
        await producer.send({ n: index + 2 });
        expect(await cut).toBe(true);
      }
      const answer = proxy.cutBeforeAnswer({ request: '"n":99' });
      await producer.send({ n: 99 });
      expect(await answer).toBe(true);
      await consume(mq, tally);
      await tally.until(cuts.length + 3);
      expect(tally.repeated).toBeLessThanOrEqual(cuts.length + 1);
    });
  });

  test('a send whose confirmation never comes ends as TIMEOUT, and sends go on when the broker answers again', async () => {
    await throughProxy(async (proxy, mq, tally) => {
      const producer = mq.producer(jobs, { timeoutMs: 2000 });
      await producer.send({ n: 0 });
      proxy.stall();
      const error: unknown = await producer.send({ n: 1 }).catch((reason: unknown) => reason);
      expect(error).toMatchObject({ code: 'TIMEOUT', retryable: true });
      proxy.resume();
      await producer.send({ n: 2 });
      await consume(mq, tally);
      await tally.until(2);
    });
  });

  test('a connection that is cut at any byte of a settlement: every message is handled, the cut ones twice at most', async () => {
    await throughProxy(async (proxy, mq) => {
      const direct = await open(namespaceOf(mq), url);
      const producer = direct.producer(jobs);
      let runs = 0;
      const ended = new Set<number>();
      let wake: () => void = () => undefined;
      let cutAt: number | undefined;
      const consumer = mq.consumer(jobs, { concurrency: 1 }, ({ n }) => {
        runs += 1;
        if (cutAt !== undefined) void proxy.cutAfter({ bytes: cutAt, direction: 'toServer' });
        cutAt = undefined;
        ended.add(n);
        wake();
      });
      await consumer.start();
      const stages = [1, 7, 8, 12, 20, 21, 22, 40, 60];
      for (const [n, bytes] of stages.entries()) {
        cutAt = bytes;
        const done = new Promise<void>((resolve) => (wake = resolve));
        await producer.send({ n });
        await done;
      }
      await expect.poll(async () => (await direct.inspect(jobs)).backlog.value, { timeout: 20_000 }).toBe(0);
      await consumer.stop();
      expect(await direct.inspect(jobs)).toMatchObject({ backlog: { value: 0 }, deadLetters: { value: 0 } });
      expect(ended.size).toBe(stages.length);
      expect(runs).toBeLessThanOrEqual(2 * stages.length);
      await direct.close();
    });
  });

  test('an idle consumer costs less than 1 % of a core, and next to no traffic', async () => {
    await throughProxy(async (proxy, mq, tally) => {
      await consume(mq, tally);
      await mq.producer(jobs).send({ n: 1 });
      await tally.until(1);
      // What came last is settled, and its consumer gives up what nobody asks for, within a second.
      await pause(2000);
      const [used, passed] = [process.cpuUsage(), bytesOf(proxy)];
      const measuredMs = 6000;
      await pause(measuredMs);
      const { user, system } = process.cpuUsage(used);
      // Beside other work a process takes more time for the same: the strict bound is for a machine that does nothing else.
      expect((user + system) / 1000).toBeLessThan(measuredMs / (process.env['ANYMQ_TEST_ALONE'] === '1' ? 100 : 10));
      // Two connections; a heartbeat has 8 bytes, a question and its answer about 100.
      expect((bytesOf(proxy) - passed) / (measuredMs / 1000)).toBeLessThan(200);
    });
  });
});

const namespaces = new WeakMap<Client, string>();
const namespaceOf = (mq: Client): string => namespaces.get(mq) ?? '';

async function throughProxy(work: (proxy: FaultProxy, mq: Client, tally: Tally) => Promise<void>): Promise<void> {
  await using proxy = await startFaultProxy(Number(new URL(url).port));
  const namespace = newNamespace();
  await using mq = await open(namespace, proxy.through(url));
  namespaces.set(mq, namespace);
  await work(proxy, mq, new Tally());
}

function bytesOf({ counts }: FaultProxy): number {
  return counts.toServer + counts.toClient;
}

/** What is measured is how little happens meanwhile. */
function pause(ms: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, ms));
}

/** The messages whose handlers a process started, until all of its slots were taken and it was killed. */
function runUntilStuck(namespace: string): Promise<readonly number[]> {
  const program = new URL('support/consumer-process.ts', import.meta.url).pathname;
  const child = spawn(process.execPath, ['--conditions=source', program, url, namespace], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  const begun = (): number[] => output.split('\n').slice(0, -1).map(Number);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.stdout.on('data', (chunk) => {
      output += String(chunk);
      if (begun().filter((n) => n % 10 === 9).length === 20) child.kill('SIGKILL');
    });
    child.on('close', () => resolve(begun()));
  });
}
