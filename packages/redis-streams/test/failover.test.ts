import { inspect } from 'node:util';
import { sharedBroker } from '@anymq/testing/brokers';
import { createRedisStreamsDriver, type RedisStreamsDriverOptions } from '@anymq/redis-streams';
import { Redis } from 'ioredis';
import { describe, expect, test, vi } from 'vitest';
import { classifyError } from '../src/errors.ts';
import { startCluster, startSentinels } from './support/servers.ts';
import { Traffic } from './support/traffic.ts';

vi.setConfig({ testTimeout: 90_000 });

const namespace = 'failover';
const connector = (options: RedisStreamsDriverOptions) => () => createRedisStreamsDriver({ namespace, ...options });

/** Replication is asynchronous: what the replica has when its master dies is what the clients will find. */
async function replicated(port: number): Promise<void> {
  const master = new Redis({ port });
  await master.set(`{${namespace}_jobs}:marker`, '1');
  expect(await master.wait(1, 5000)).toBe(1);
  master.disconnect();
}

describe.runIf(sharedBroker('redis')?.container !== undefined)('a master is killed and its replica takes over', () => {
  test('in a cluster: clients go on by themselves, and nothing that was replicated is lost', async () => {
    const cluster = await startCluster({ masters: 3, replicas: 3 });
    const nodes = cluster.ports.map((port) => ({ host: '127.0.0.1', port }));
    const traffic = await Traffic.open({ connect: connector({ cluster: nodes, commandTimeoutMs: 3000 }) });
    await traffic.sendAll(1000);
    const master = await cluster.masterOf(`${namespace}_jobs`);
    await replicated(master);
    await cluster.kill(master);
    await traffic.send([1000, 1001, 1002]);
    await traffic.allHandled();
    expect(traffic.confirmed.size).toBe(1003);
    expect(await cluster.masterOf(`${namespace}_jobs`)).not.toBe(master);
    await traffic.close();
    await cluster.container.stop();
  });

  test('under Sentinel: clients go on by themselves, and nothing that was replicated is lost', async () => {
    const sentinelPassword = 'hush-hush';
    const servers = await startSentinels(sentinelPassword);
    const [master = 0, replica = 0, ...sentinels] = servers.ports;
    const places = { sentinels: sentinels.map((port) => ({ host: '127.0.0.1', port })), sentinelMaster: 'main' };
    const login = { sentinelUsername: 'default', sentinelPassword };
    const traffic = await Traffic.open({ connect: connector({ ...places, ...login, commandTimeoutMs: 3000 }) });
    await traffic.sendAll(1000);
    await replicated(master);
    await servers.kill(master);
    await traffic.send([1000, 1001, 1002]);
    await traffic.allHandled();
    expect(traffic.confirmed.size).toBe(1003);
    const promoted = new Redis({ port: replica });
    expect(await promoted.info('replication')).toContain('role:master');
    promoted.disconnect();
    const refusal = async (wrong: RedisStreamsDriverOptions): Promise<unknown> => {
      const connecting = connector({ ...places, connectTimeoutMs: 2000, ...wrong })();
      const error: unknown = await connecting.catch((reason: unknown) => reason);
      expect(inspect(error, { depth: 9, showHidden: true })).not.toContain('hush');
      return classifyError(error);
    };
    expect(await refusal({ ...login, sentinelMaster: 'other' })).toMatchObject({ code: 'NOT_CONNECTED' });
    expect(await refusal({ sentinelPassword: 'hush' })).toMatchObject({ code: 'UNAUTHENTICATED', retryable: false });
    // The servers' password is not the sentinels'.
    expect(await refusal({ password: sentinelPassword })).toMatchObject({ code: 'UNAUTHENTICATED' });
    await traffic.close();
    await servers.container.stop();
  });
});
