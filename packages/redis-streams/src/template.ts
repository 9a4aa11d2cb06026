import type { RedisClientTemplate } from './client.ts';
import type { RedisConnectionOptions } from './options.ts';

/** A client of ioredis that is never connected: its copies are. ioredis is loaded here, and only when none was passed in. */
export async function loadTemplate({
  client,
  host,
  port,
  cluster,
  sentinels,
  sentinelMaster,
  sentinelUsername,
  sentinelPassword,
  username,
  password,
  db,
  tls,
}: RedisConnectionOptions): Promise<RedisClientTemplate> {
  if (client !== undefined) return client;
  const { Redis, Cluster } = await import('ioredis');
  const common = {
    lazyConnect: true,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(db === undefined ? {} : { db }),
    ...(tls === undefined || tls === false ? {} : { tls: tls === true ? {} : tls }),
  };
  if (cluster !== undefined) {
    const nodes = cluster.map(({ host, port = 6379 }) => ({ host, port }));
    return new Cluster(nodes, { lazyConnect: true, redisOptions: common });
  }
  if (sentinels !== undefined) {
    const nodes = sentinels.map(({ host, port = 26_379 }) => ({ host, port }));
    return new Redis({
      ...common,
      sentinels: nodes,
      name: sentinelMaster ?? 'mymaster',
      ...(common.tls === undefined ? {} : { sentinelTLS: common.tls, enableTLSForSentinelMode: true }),
      ...(sentinelUsername === undefined ? {} : { sentinelUsername }),
      ...(sentinelPassword === undefined ? {} : { sentinelPassword }),
    });
  }
  return new Redis({ ...common, host: host ?? '127.0.0.1', port: port ?? 6379 });
}
