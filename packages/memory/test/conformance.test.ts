import { systemClock } from '@anymq/core';
import type { Driver } from '@anymq/core/driver';
import { createMemoryBroker, crashMemoryDriver, createMemoryDriver, writeForeignMessage } from '@anymq/memory';
import { testDriver } from '@anymq/testing';

// What the broker waits for is no business of the processes that use it.
const broker = createMemoryBroker({
  clock: { ...systemClock, setTimeout: (callback, delayMs) => setTimeout(callback, delayMs).unref() },
});

testDriver({
  name: 'memory',
  createDriver: async (namespace) => createMemoryDriver({ broker, namespace }) as Driver,
  crash: async (driver) => crashMemoryDriver(driver),
  restartBroker: async () => broker.faults.restart(),
  cutConnections: async () => broker.faults.disconnect(),
  writeForeign: async (address, raw) => writeForeignMessage(broker, String(address.physical), raw),
  close: async () => undefined,
});
