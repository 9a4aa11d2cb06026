import { systemClock } from '@anymq/core';
import type { DeadLetterStore, Driver, Receiver, Sender } from '@anymq/core/driver';
import { createMemoryBroker, crashMemoryDriver, createMemoryDriver } from '@anymq/memory';
import { expect, test } from 'vitest';
import { runConformance, wrapDriver, type Harness } from '../src/conformance.ts';

// A case that leans on the immediacy of memory would fail on every real broker: here each call takes up to 60 ms.

const clock = {
  ...systemClock,
  setTimeout: (callback: () => void, delayMs: number) => setTimeout(callback, delayMs).unref(),
};

function lag(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 3 + Math.random() * 27));
}

/** There and back. */
function slow<Args extends readonly unknown[], T>(call: (...args: Args) => Promise<T>): (...args: Args) => Promise<T> {
  return async (...args) => {
    await lag();
    const answer = await call(...args);
    await lag();
    return answer;
  };
}

const slowSender = (inner: Sender): Partial<Sender> => ({
  sendBatch: slow((messages, options) => inner.sendBatch(messages, options)),
});

const slowReceiver = (inner: Receiver): Partial<Receiver> => ({
  async receive(options) {
    const received = await inner.receive(options);
    await lag();
    return received;
  },
  extendLease: slow((tokens) => inner.extendLease(tokens)),
  settleBatch: slow((items) => inner.settleBatch(items)),
  markStarted: slow(async (tokens) => inner.markStarted?.(tokens)),
  recordHeld: slow(async (held) => inner.recordHeld?.(held)),
  close: slow(() => inner.close()),
});

const slowStore = (inner: DeadLetterStore): Partial<DeadLetterStore> => ({
  page: slow((cursor, options) => inner.page(cursor, options)),
  requeue: slow((refs) => inner.requeue(refs)),
  remove: slow((refs) => inner.remove(refs)),
});

const slowDriver = (inner: Driver): Partial<Driver> => ({
  provision: slow((plan, mode) => inner.provision(plan, mode)),
  inspect: slow((address) => inner.inspect(address)),
  remove: slow((address) => inner.remove(address)),
  close: slow(() => inner.close()),
});

function slowHarness(): Harness {
  const broker = createMemoryBroker({ clock });
  const fast = new WeakMap<Driver, Driver>();
  return {
    name: 'slow memory',
    async createDriver(namespace) {
      const driver = createMemoryDriver({ broker, namespace }) as Driver;
      const hooks = { sender: slowSender, receiver: slowReceiver, deadLetters: slowStore, driver: slowDriver };
      const slowed = wrapDriver(driver, hooks);
      fast.set(slowed, driver);
      return slowed;
    },
    crash: async (driver) => crashMemoryDriver(fast.get(driver) ?? driver),
    restartBroker: async () => broker.faults.restart(),
    cutConnections: async () => broker.faults.disconnect(),
    close: async () => undefined,
  };
}

test('the suite passes on a broker that takes its time', { timeout: 120_000 }, async () => {
  const results = await runConformance(slowHarness(), { timeScale: 2 });
  expect(results.filter(({ status }) => status === 'failed')).toEqual([]);
});
