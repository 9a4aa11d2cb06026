import { testDriver } from '@anymq/testing';
import { sharedBroker } from '@anymq/testing/brokers';
import { Redis } from 'ioredis';
import { describe } from 'vitest';
import { createHarness } from './support/harness.ts';
import { leastRights } from './support/rights.ts';

const url = sharedBroker('redis')?.url;
const username = `least-${crypto.randomUUID().slice(0, 8)}`;

const admin = new Redis(url ?? '', { lazyConnect: true });
if (url !== undefined) await admin.acl('SETUSER', username, 'on', '>secret', '~*', ...leastRights());
const harness =
  url === undefined
    ? undefined
    : await createHarness({
        client: () => new Redis(url, { lazyConnect: true, protocol: 2, username, password: 'secret' }),
        admins: [new Redis(url, { lazyConnect: true })],
      });

describe.runIf(harness !== undefined)('a user with no more rights than the page names', () => {
  if (harness === undefined) return;
  testDriver(
    {
      ...harness,
      name: 'redis-streams with the least rights',
      async close() {
        await harness.close();
        await admin.acl('DELUSER', username);
        admin.disconnect();
      },
    },
    { groups: ['D', 'G6', 'G8', 'history', 'exactBacklog'] },
  );
});
