import { createRedisStore } from '@anymq/idempotency-redis';
import { testIdempotencyStore } from '@anymq/testing';
import { sharedBroker, startBroker } from '@anymq/testing/brokers';
import { Redis } from 'ioredis';
import { describe } from 'vitest';

const shared = sharedBroker('redis');
/** The suite restarts it, so it is no other test's; what it confirmed has to be there afterwards. */
const own =
  shared?.container === undefined
    ? undefined
    : await startBroker('redis', { configuration: { appendonly: 'yes', appendfsync: 'always' } });
const url = own?.url ?? shared?.url;
const client = url === undefined ? undefined : new Redis(url);
// Connections that the suite breaks; a call that they fail tells the case.
client?.on('error', () => undefined);

describe.runIf(client !== undefined)('on a real server', () => {
  if (client === undefined) return;
  testIdempotencyStore({
    name: 'idempotency-redis',
    createStore: async (namespace) => createRedisStore({ client, prefix: `${namespace}:` }),
    ...(own === undefined ? {} : { restart: () => own.container.restart() }),
    async cutConnections() {
      const killer = new Redis(url ?? '');
      await killer.call('CLIENT', 'KILL', 'TYPE', 'normal');
      killer.disconnect();
    },
    async close() {
      client.disconnect();
      await own?.container.stop();
    },
  });
});
