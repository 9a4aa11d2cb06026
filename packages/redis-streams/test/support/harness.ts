import type { Driver } from '@anymq/core/driver';
import { createRedisStreamsDriver, type RedisClient, type RedisClientTemplate } from '@anymq/redis-streams';
import type { Harness } from '@anymq/testing';
import { Cluster, type Redis } from 'ioredis';

interface Options {
  /** A client of the server or the cluster, that is not connected yet. */
  readonly client: () => Redis | Cluster;
  /** Of each server, for what a driver is not asked: not connected yet. */
  readonly admins: readonly Redis[];
  /** Resolves when the server answers again. */
  readonly restart?: (() => Promise<void>) | undefined;
}

/** Real drivers on a real server. A crash destroys the sockets of one driver, and lets it open no others. */
export async function createHarness({ client, admins, restart }: Options): Promise<Harness> {
  for (const admin of admins) admin.on('error', () => undefined);
  await Promise.all(admins.map((admin) => admin.connect()));
  const processes = new WeakMap<Driver, Process>();
  return {
    name: 'redis-streams',
    async createDriver(namespace) {
      const process: Process = { clients: [], isDead: false };
      const driver = (await createRedisStreamsDriver({ client: noting(client(), process), namespace })) as Driver;
      processes.set(driver, process);
      return driver;
    },
    async crash(driver) {
      const process = processes.get(driver);
      if (process === undefined || process.isDead) return;
      process.isDead = true;
      for (const each of process.clients) destroy(each);
    },
    ...(restart === undefined ? {} : { restartBroker: restart }),
    async cutConnections() {
      await Promise.all(admins.map((admin) => admin.call('CLIENT', 'KILL', 'TYPE', 'normal')));
    },
    async writeForeign({ physical = '' }, { body, key, headers = {} }) {
      const fields = Object.entries({ ...headers, ...(key === undefined ? {} : { ce_partitionkey: key }) }).flat();
      await whereItIs(admins, (admin) => admin.call('XADD', physical, '*', ...fields, 'data', Buffer.from(body)));
    },
    async close() {
      for (const admin of admins) admin.disconnect();
    },
  };
}

/** Clients that one driver made. */
interface Process {
  readonly clients: (Redis | Cluster)[];
  isDead: boolean;
}

function noting(template: Redis | Cluster, process: Process): RedisClientTemplate {
  const duplicate = (...override: never[]): RedisClient => {
    const client = (template.duplicate.bind(template) as (...args: never[]) => Redis | Cluster)(...override);
    process.clients.push(client);
    if (process.isDead) client.connect = () => Promise.reject(new Error('Connection is closed.'));
    return client;
  };
  return { isCluster: template.isCluster, duplicate };
}

function destroy(client: Redis | Cluster): void {
  const sockets = serversOf(client).map(
    (server) => (server as unknown as { readonly stream?: { destroy(): void } }).stream,
  );
  client.disconnect();
  for (const socket of sockets) socket?.destroy();
}

function serversOf(client: Redis | Cluster): readonly Redis[] {
  return client instanceof Cluster ? client.nodes() : [client];
}

/** On the one server of a cluster that has the key. */
async function whereItIs(admins: readonly Redis[], work: (admin: Redis) => Promise<unknown>): Promise<void> {
  for (const [index, admin] of admins.entries()) {
    try {
      await work(admin);
      return;
    } catch (error) {
      if (index === admins.length - 1 || !(error as Error).message.startsWith('MOVED')) throw error;
    }
  }
}
