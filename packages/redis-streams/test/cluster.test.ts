import { testDriver } from '@anymq/testing';
import { sharedBroker } from '@anymq/testing/brokers';
import { Redis } from 'ioredis';
import { describe } from 'vitest';
import { createHarness } from './support/harness.ts';
import { connectCluster, startCluster } from './support/servers.ts';

const cluster = sharedBroker('redis')?.container === undefined ? undefined : await startCluster({ masters: 3 });
const harness =
  cluster &&
  (await createHarness({
    client: () => connectCluster(cluster),
    admins: cluster.ports.map((port) => new Redis({ port, lazyConnect: true })),
    restart: () => cluster.restart(),
  }));

describe.runIf(harness !== undefined)('on a cluster of three nodes', () => {
  if (harness === undefined) return;
  testDriver({
    ...harness,
    name: 'redis-streams on a cluster',
    async close() {
      await harness.close();
      await cluster?.container.stop();
    },
  });
});
