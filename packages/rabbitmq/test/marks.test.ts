import type { Address, Driver, Received, Receiver } from '@anymq/core/driver';
import { createRabbitmqDriver } from '@anymq/rabbitmq';
import { sharedBroker, startBroker } from '@anymq/testing/brokers';
import { afterAll, describe, expect, test } from 'vitest';
import { createHarness } from './support/harness.ts';

const own = sharedBroker('rabbitmq')?.container === undefined ? undefined : await startBroker('rabbitmq');
const url = own?.url ?? '';
const harness = createHarness(url);
const jobs: Address = { kind: 'queue', name: 'jobs', ordering: 'none', partitions: 1 };
const signal = new AbortController().signal;

async function send(driver: Driver, id: string): Promise<void> {
  const sender = await driver.openSender(jobs);
  const message = { id, headers: {}, time: new Date(), type: 'jobs', source: '/test', body: Buffer.from(id) };
  expect(await sender.sendBatch([message], { signal })).toMatchObject([{ ok: true }]);
}

async function receiveOne(driver: Driver): Promise<{ readonly receiver: Receiver; readonly received: Received }> {
  const receiver = await driver.openReceiver(jobs, {
    maxInFlight: 10,
    maxBytes: 1e6,
    ordered: false,
    leaseMs: 30_000,
    onLost: () => undefined,
  });
  for (;;) {
    const [received] = await receiver.receive({ signal, maxMessages: 1, maxBytes: 1e6 });
    if (received !== undefined) return { receiver, received };
  }
}

/** A process that dies while it has the message: when it is a suspect, in its run. Returns what was known of earlier deaths. */
async function dieWithIt(namespace: string): Promise<number> {
  const mortal = await harness.createDriver(namespace);
  const { receiver, received } = await receiveOne(mortal);
  if (received.suspect === true) await receiver.markStarted?.([received.token]);
  await harness.crash(mortal);
  await mortal.close();
  return received.crashCount;
}

describe.runIf(own !== undefined)('the marks of runs', { timeout: 120_000 }, () => {
  afterAll(() => own?.container.stop(), 60_000);

  test('are there for whoever comes first after the broker was killed', async () => {
    const namespaces = ['a', 'b', 'c'].map((name) => `m${name}-${crypto.randomUUID().slice(0, 8)}`);
    for (const namespace of namespaces) {
      const driver = (await createRabbitmqDriver({ url, namespace })) as Driver;
      await driver.provision({ destinations: [{ address: jobs, groups: [] }] }, 'create');
      await send(driver, 'killer');
      await driver.close();
      for (const known of [0, 0, 0, 1]) expect(await dieWithIt(namespace)).toBe(known);
    }
    await own?.container.kill();
    await own?.container.restart();
    const counts = await Promise.all(namespaces.map(dieWithIt));
    expect(counts).toEqual([2, 2, 2]);
  });
});
