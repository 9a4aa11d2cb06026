import { testDriver } from '@anymq/testing';
import { sharedBroker, startBroker } from '@anymq/testing/brokers';
import { Redis } from 'ioredis';
import { describe } from 'vitest';
import { createHarness } from './support/harness.ts';

const shared = sharedBroker('redis');
/** The suite restarts it, so it is no other test's; what it confirmed has to be there afterwards. */
const own =
  shared?.container === undefined
    ? undefined
    : await startBroker('redis', { configuration: { appendonly: 'yes', appendfsync: 'always' } });
const url = own?.url ?? shared?.url;
const harness =
  url === undefined
    ? undefined
    : await createHarness({
        client: () => new Redis(url, { lazyConnect: true, protocol: 2 }),
        admins: [new Redis(url, { lazyConnect: true, protocol: 2 })],
        restart: own && (() => own.container.restart()),
      });

describe.runIf(harness !== undefined)('on a real server', () => {
  if (harness === undefined) return;
  testDriver({
    ...harness,
    async close() {
      await harness.close();
      await own?.container.stop();
    },
  });
});
