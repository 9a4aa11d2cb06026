import type { Address, Driver, OutgoingMessage, Received, Receiver } from '@anymq/core/driver';
import { createRabbitmqDriver } from '@anymq/rabbitmq';
import { sharedBroker } from '@anymq/testing/brokers';
import { connect, type ConsumeMessage } from 'amqplib';
import { afterEach, describe, expect, test } from 'vitest';
import { markStream } from '../src/names.ts';
import { createHarness } from './support/harness.ts';

const url = sharedBroker('rabbitmq')?.url ?? '';
const signal = new AbortController().signal;
const run = Math.random().toString(36).slice(2, 8);

let namespaces = 0;
const drivers: Driver[] = [];

async function driverIn(namespace: string): Promise<Driver> {
  const driver = (await createRabbitmqDriver({ url, namespace })) as Driver;
  drivers.push(driver);
  return driver;
}

const newNamespace = (): string => `s${run}-${(namespaces += 1)}`;
const queue: Address = { kind: 'queue', name: 'jobs', ordering: 'none', partitions: 8 };
const ordered: Address = { ...queue, ordering: 'key', partitions: 2 };

function outgoing(id: string, rest: Partial<OutgoingMessage> = {}): OutgoingMessage {
  return { id, headers: {}, time: new Date(), type: 'jobs', source: '/test', body: Buffer.from(id), ...rest };
}

async function send(driver: Driver, to: Address, ids: readonly string[], key?: string): Promise<void> {
  const sender = await driver.openSender(to);
  const outcomes = await sender.sendBatch(
    ids.map((id) => outgoing(id, { key })),
    { signal },
  );
  expect(outcomes.every(({ ok }) => ok)).toBe(true);
}

async function open(driver: Driver, from: Address, revoked: unknown[] = []): Promise<Receiver> {
  return driver.openReceiver(from, {
    maxInFlight: 400,
    maxBytes: 1e7,
    ordered: from.ordering === 'key',
    leaseMs: 30_000,
    onLost: () => undefined,
    onRevoking: (tokens) => void revoked.push(...tokens),
  });
}

async function take(receiver: Receiver, count: number): Promise<Received[]> {
  const taken: Received[] = [];
  while (taken.length < count)
    taken.push(
      ...(await receiver.receive({
        signal: AbortSignal.timeout(10_000),
        maxMessages: count - taken.length,
        maxBytes: 1e7,
      })),
    );
  return taken;
}

/** As core does it, which receives again after a connection was lost. */
async function takeAgain(receiver: Receiver): Promise<Received[]> {
  for (;;) {
    try {
      return await take(receiver, 1);
    } catch {
      await new Promise(setImmediate);
    }
  }
}

const acknowledgeAll = (receiver: Receiver, received: readonly Received[]): Promise<unknown> =>
  receiver.settleBatch(received.map(({ token }) => ({ token, outcome: { kind: 'acknowledge' } })));

const numbers = (count: number): string[] => Array.from({ length: count }, (_, index) => String(index));

afterEach(async () => {
  await Promise.all(drivers.splice(0).map((driver) => driver.close()));
});

describe.runIf(url !== '')('on a real server', { timeout: 60_000 }, () => {
  test('a definition that differs is named: ordering, partitions, kind of queue', async () => {
    const driver = await driverIn(newNamespace());
    const provision = async (address: Address): Promise<readonly string[]> =>
      (await driver.provision({ destinations: [{ address, groups: [] }] }, 'create')).differences;
    expect(await provision(ordered)).toEqual([]);
    const name = driver.physicalNames?.(ordered)['queue'];
    expect(await provision({ ...ordered, partitions: 1 })).toEqual([`${name} has partitions 2; 1 was asked for.`]);
    expect(await provision(queue)).toEqual([expect.stringMatching(/ordering key; none was asked for/)]);
    await driver.remove(ordered);
  });

  test('a queue that is not there fails that send alone, for certain, and a receiver says so at once', async () => {
    const driver = await driverIn(newNamespace());
    await driver.provision({ destinations: [{ address: queue, groups: [] }] }, 'create');
    const missing = await driver.openSender({ ...queue, name: 'missing' });
    const there = await driver.openSender(queue);
    const [[failed], [sent]] = await Promise.all([
      missing.sendBatch([outgoing('a')], { signal }),
      there.sendBatch([outgoing('a')], { signal }),
    ]);
    expect(sent).toMatchObject({ ok: true });
    expect(failed?.ok === false && driver.classifyError(failed.error)).toEqual({
      code: 'NOT_FOUND',
      retryable: false,
      outcome: 'not-sent',
    });
    const error: unknown = await open(driver, { ...queue, name: 'missing' }).catch((error: unknown) => error);
    expect(driver.classifyError(error)).toMatchObject({ code: 'NOT_FOUND', retryable: false });
    await driver.remove(queue);
  });

  test('removing a topic removes the groups that others have made', async () => {
    const namespace = newNamespace();
    const [one, other] = [await driverIn(namespace), await driverIn(namespace)];
    const topic: Address = { kind: 'topic', name: 'news', ordering: 'none', partitions: 8 };
    const groups = [{ name: 'app', startAt: 'latest' }] as const;
    await one.provision({ destinations: [{ address: topic, groups }] }, 'create');
    await other.remove(topic);
    const { differences } = await other.provision({ destinations: [{ address: topic, groups }] }, 'validate');
    expect(differences).toHaveLength(3);
  });

  test('a delayed message to a topic reaches its groups, and one to a topic without groups holds up nothing', async () => {
    const driver = await driverIn(newNamespace());
    const [topic, empty] = ['news', 'empty'].map((name): Address => ({ ...queue, kind: 'topic', name })) as [
      Address,
      Address,
    ];
    const groups = [{ name: 'app', startAt: 'latest' }] as const;
    await driver.provision(
      {
        destinations: [
          { address: topic, groups },
          { address: empty, groups: [] },
        ],
      },
      'create',
    );
    for (const to of [empty, topic]) {
      const sender = await driver.openSender(to);
      const delayed = numbers(40).map((id) => outgoing(id, { dueAt: Date.now() + 300 }));
      expect((await sender.sendBatch(delayed, { signal })).every(({ ok }) => ok)).toBe(true);
    }
    const receiver = await open(driver, { ...topic, group: 'app' });
    await acknowledgeAll(receiver, await take(receiver, 40));
    await receiver.close();
    await driver.remove(topic);
    await driver.remove(empty);
  });

  test('what a member of an ordered queue leaves behind comes to the next one in order, also when it is a lot', async () => {
    const namespace = newNamespace();
    const [one, other] = [await driverIn(namespace), await driverIn(namespace)];
    const single: Address = { ...ordered, partitions: 1 };
    await one.provision({ destinations: [{ address: single, groups: [] }] }, 'create');
    await send(one, single, numbers(300), 'key');
    const first = await open(one, single);
    const held = await take(first, 200);
    await acknowledgeAll(first, held.slice(0, 50));
    await first.close();
    const second = await open(other, single);
    const rest = await take(second, 250);
    expect(rest.map(({ id }) => id)).toEqual(numbers(300).slice(50));
    await acknowledgeAll(second, rest);
    await second.close();
    await one.remove(single);
  });

  test('a member that was superseded hands its partition over, although it holds messages', async () => {
    const namespace = newNamespace();
    const driver = await driverIn(namespace);
    const many: Address = { ...ordered, partitions: 8 };
    await driver.provision({ destinations: [{ address: many, groups: [] }] }, 'create');
    const revoked: unknown[] = [];
    const first = await open(driver, many, revoked);
    const keys = numbers(64);
    for (const key of keys) await send(driver, many, [`first-${key}`], key);
    const held = await take(first, 64);
    const second = await open(await driverIn(namespace), many);
    for (const key of keys) await send(driver, many, [`second-${key}`], key);
    await expect.poll(() => revoked.length, { timeout: 10_000 }).toBeGreaterThan(0);
    const release = held.filter(({ token }) => revoked.includes(token));
    await first.settleBatch(release.map(({ token }) => ({ token, outcome: { kind: 'release', delayMs: 0 } })));
    const moved = await take(second, release.length);
    expect(new Set(moved.slice(0, 1).map(({ id }) => id.split('-')[0]))).toEqual(new Set(['first']));
    await second.close();
    await first.close();
    await driver.remove(many);
  });

  test('a message that comes back twice is a suspect, and its marks are counted and forgotten', async () => {
    const namespace = newNamespace();
    const harness = createHarness(url);
    const keeper = await driverIn(namespace);
    await keeper.provision({ destinations: [{ address: queue, groups: [] }] }, 'create');
    await send(keeper, queue, ['a']);
    for (const [marks, isSuspect] of [
      [0, false],
      [0, false],
      [0, true],
      [1, true],
    ] as const) {
      const mortal = await harness.createDriver(namespace);
      const receiver = await open(mortal, queue);
      const [received] = await take(receiver, 1);
      expect(received).toMatchObject({ crashCount: marks, suspect: isSuspect });
      if (isSuspect) await receiver.markStarted?.([received?.token ?? '']);
      await harness.crash(mortal);
      await mortal.close();
    }
    const survivor = await open(keeper, queue);
    const [received] = await take(survivor, 1);
    expect(received).toMatchObject({ crashCount: 2, suspect: true });
    await acknowledgeAll(survivor, received === undefined ? [] : [received]);
    await survivor.close();
    await keeper.remove(queue);
  });

  test.each([queue, ordered])(
    'what comes back because a connection was cut is no suspect to who lived on: %#',
    async (to) => {
      const namespace = newNamespace();
      const harness = createHarness(url);
      const driver = await harness.createDriver(namespace);
      await driver.provision({ destinations: [{ address: to, groups: [] }] }, 'create');
      await send(driver, to, ['a'], 'key');
      const receiver = await open(driver, to);
      for (let cut = 1; cut <= 3; cut++) {
        const [received] = await takeAgain(receiver);
        expect(received).toMatchObject({ id: 'a', crashCount: 0, suspect: false });
        await harness.cutConnections?.();
      }
      await acknowledgeAll(receiver, await takeAgain(receiver));
      await receiver.close();
      await driver.remove(to);
      await driver.close();
    },
  );

  test('of many suspects that have arrived it is asked once how often their runs were begun', async () => {
    const namespace = newNamespace();
    const harness = createHarness(url);
    const keeper = await driverIn(namespace);
    const single: Address = { ...ordered, partitions: 1 };
    await keeper.provision({ destinations: [{ address: single, groups: [] }] }, 'create');
    await send(keeper, single, numbers(200), 'key');
    for (let death = 1; death <= 2; death++) {
      const mortal = await harness.createDriver(namespace);
      await take(await open(mortal, single), 200);
      await harness.crash(mortal);
      await mortal.close();
    }
    const survivor = await open(keeper, single);
    for (const id of numbers(200)) {
      const [received] = await take(survivor, 1);
      expect(received).toMatchObject({ id, crashCount: 0, suspect: true });
      await survivor.markStarted?.([received?.token ?? '']);
      await acknowledgeAll(survivor, received === undefined ? [] : [received]);
    }
    await survivor.close();
    const lines = await linesOf(markStream(keeper.physicalNames?.(single)['queue'] ?? ''), 400);
    expect(lines.filter((line) => line.startsWith('+'))).toHaveLength(200);
    // A few may have been on their way when the first was asked about.
    expect(lines.filter((line) => line.startsWith('?')).length).toBeLessThan(10);
    await keeper.remove(single);
  });
});

/** Of a stream, from its beginning, until there are so many runs that were begun or ended. */
async function linesOf(stream: string, runs: number): Promise<readonly string[]> {
  const connection = await connect(url);
  try {
    const channel = await connection.createChannel();
    await channel.prefetch(1000);
    const lines: string[] = [];
    const { promise: all, resolve } = Promise.withResolvers<void>();
    const hear = (message: ConsumeMessage | null): void => {
      lines.push(String(message?.content));
      if (lines.filter((line) => !line.startsWith('?')).length === runs) resolve();
    };
    await channel.consume(stream, hear, { arguments: { 'x-stream-offset': 'first' } });
    await all;
    return lines;
  } finally {
    await connection.close();
  }
}
