import type { Driver } from '@anymq/core/driver';
import { createRedisStreamsDriver, type RedisClient, type RedisClientTemplate } from '@anymq/redis-streams';
import type { Harness } from '@anymq/testing';
import { Redis } from 'ioredis';

interface Options {
  readonly url: string;
  /** Resolves when the server answers again. */
  readonly restart?: (() => Promise<void>) | undefined;
}

/** Real drivers on a real server. A crash destroys the sockets of one driver, and lets it open no others. */
export async function createHarness({ url, restart }: Options): Promise<Harness> {
  const admin = new Redis(url, { lazyConnect: true, protocol: 2 });
  admin.on('error', () => undefined);
  await admin.connect();
  const processes = new WeakMap<Driver, Process>();
  return {
    name: 'redis-streams',
    async createDriver(namespace) {
      const process: Process = { clients: [], isDead: false };
      const driver = (await createRedisStreamsDriver({ client: noting(url, process), namespace })) as Driver;
      processes.set(driver, process);
      return driver;
    },
    async crash(driver) {
      const process = processes.get(driver);
      if (process === undefined || process.isDead) return;
      process.isDead = true;
      for (const client of process.clients) destroy(client);
    },
    ...(restart === undefined ? {} : { restartBroker: restart }),
    async cutConnections() {
      await admin.call('CLIENT', 'KILL', 'TYPE', 'normal');
    },
    async writeForeign({ physical = '' }, { body, key, headers = {} }) {
      const fields = Object.entries({ ...headers, ...(key === undefined ? {} : { ce_partitionkey: key }) }).flat();
      await admin.call('XADD', physical, '*', ...fields, 'data', Buffer.from(body));
    },
    async close() {
      admin.disconnect();
    },
  };
}

/** Clients that one driver made. */
interface Process {
  readonly clients: Redis[];
  isDead: boolean;
}

function noting(url: string, process: Process): RedisClientTemplate {
  const template = new Redis(url, { lazyConnect: true });
  const duplicate = (override: object): RedisClient => {
    const client = template.duplicate(override);
    process.clients.push(client);
    if (process.isDead) client.connect = () => Promise.reject(new Error('Connection is closed.'));
    return client;
  };
  return { duplicate };
}

function destroy(client: Redis): void {
  const { stream } = client as unknown as { readonly stream?: { destroy(): void } };
  client.disconnect();
  stream?.destroy();
}
