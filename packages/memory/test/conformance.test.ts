import type { Driver } from '@anymq/core/driver';
import { createMemoryBroker, crashMemoryDriver, createMemoryDriver } from '@anymq/memory';
import { testDriver } from '@anymq/testing';

const broker = createMemoryBroker();

testDriver({
  name: 'memory',
  createDriver: async (namespace) => createMemoryDriver({ broker, namespace }) as Driver,
  crash: async (driver) => crashMemoryDriver(driver),
  restartBroker: async () => broker.faults.restart(),
  cutConnections: async () => broker.faults.disconnect(),
  async close() {},
});
