import { expect, test } from 'vitest';
import {
  type Address,
  type DriverParts,
  guardedDriver,
  type Receiver,
  type ReceiverOptions,
} from '../../src/driver.ts';
import { failure, noCapabilities, someLimits } from '../config/fake-module.ts';

const address: Address = { kind: 'queue', name: 'jobs', ordering: 'none', partitions: 1 };
const receiving: ReceiverOptions = { maxInFlight: 1, maxBytes: 1, ordered: false, leaseMs: 1, onLost: () => undefined };

/** What becomes of its receivers and its connection is written to `seen`. */
function stage(changes: Partial<DriverParts<typeof noCapabilities>> = {}) {
  const seen: string[] = [];
  const parts: DriverParts<typeof noCapabilities> = {
    name: 'staged',
    namespace: 'shop',
    capabilities: noCapabilities,
    limits: someLimits,
    openSender: async () => ({ sendBatch: async () => [], close: async () => undefined }),
    openReceiver: async () => receiver(async () => void seen.push('receiver')),
    openDeadLetters: () => Promise.reject(new Error('not staged')),
    provision: async () => ({ created: [], differences: [] }),
    remove: async () => void seen.push('remove'),
    inspect: () => Promise.reject(new Error('not staged')),
    classifyError: () => ({ code: 'UNKNOWN', retryable: true }),
    check: async () => void seen.push('check'),
    close: () => void seen.push('connection'),
    ...changes,
  };
  return { driver: guardedDriver(parts), seen };
}

function receiver(close: () => Promise<void>): Receiver {
  return { receive: async () => [], extendLease: async () => undefined, settleBatch: async () => [], close };
}

test('closing ends the receivers, then the connection, and once', async () => {
  const { driver, seen } = stage();
  await driver.openReceiver(address, receiving);
  await driver.openReceiver(address, receiving);
  await Promise.all([driver.close(), driver.close()]);
  await driver.close();
  expect(seen).toEqual(['receiver', 'receiver', 'connection']);
});

test('a receiver that was closed before is forgotten', async () => {
  const { driver, seen } = stage();
  const first = await driver.openReceiver(address, receiving);
  await first.close();
  await driver.close();
  expect(seen).toEqual(['receiver', 'connection']);
});

test('what is called after it is CLOSED, and reaches nothing', async () => {
  const { driver, seen } = stage({ use: () => void seen.push('use'), seek: async () => void seen.push('seek') });
  await driver.close();
  const calls = [
    () => driver.openSender(address),
    () => driver.openReceiver(address, receiving),
    () => driver.openDeadLetters(address),
    () => driver.provision({ destinations: [] }, 'create'),
    () => driver.remove(address),
    () => driver.inspect(address),
    () => driver.seek?.(address, 'earliest'),
    () => driver.check(),
  ];
  for (const call of calls)
    expect(await failure(call)).toMatchObject({ code: 'CLOSED', retryable: false, outcome: 'not-sent' });
  expect(seen).toEqual(['connection']);
});

test('a receiver that opens while it closes is closed as well', async () => {
  const opening = Promise.withResolvers<Receiver>();
  const { driver, seen } = stage({ openReceiver: () => opening.promise });
  const opened = failure(() => driver.openReceiver(address, receiving));
  await driver.close();
  opening.resolve(receiver(async () => void seen.push('late receiver')));
  expect(await opened).toMatchObject({ code: 'CLOSED' });
  expect(seen).toEqual(['connection', 'late receiver']);
});

test('a receiver that cannot be closed leaves nothing else open, and is told of', async () => {
  const { driver, seen } = stage({ openReceiver: async () => receiver(() => Promise.reject(new Error('stuck'))) });
  await driver.openReceiver(address, receiving);
  expect(await failure(() => driver.close())).toMatchObject({ message: 'stuck' });
  expect(seen).toEqual(['connection']);
});

test('before each call the connection is asked, and what it says counts', async () => {
  let isLost = false;
  const lost = new Error('lost');
  const { driver, seen } = stage({ use: () => (isLost ? Promise.reject(lost) : undefined) });
  await driver.check();
  isLost = true;
  expect(await failure(() => driver.check())).toBe(lost);
  expect(await failure(() => driver.remove(address))).toBe(lost);
  expect(seen).toEqual(['check']);
});

test('there is no seek where the broker has none', () => {
  expect('seek' in stage({ seek: async () => undefined }).driver).toBe(true);
  expect('seek' in stage().driver).toBe(false);
});
