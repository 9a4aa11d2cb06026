import { setTimeout as delay } from 'node:timers/promises';
import { type StartedServers, startServers } from '@anymq/testing/brokers';
import { Cluster, Redis } from 'ioredis';

/** Lines of a configuration file. */
type Settings = readonly string[];

const open: Settings = ['bind 0.0.0.0', 'protected-mode no', 'save ""'];
const toDisk: Settings = ['appendonly yes', 'appendfsync always'];

/** Several servers in one container, all ended by its end. */
export interface Servers extends StartedServers {
  /** SIGKILL to one of them. */
  kill(port: number): Promise<void>;
}

/** Each with a folder of its own. */
export async function startEach(
  count: number,
  settingsOf: (ports: readonly number[], index: number) => Settings,
): Promise<Servers> {
  const command = (ports: readonly number[]): readonly string[] => {
    const starts = ports.map((port, index) => startOne(port, settingsOf(ports, index)));
    return ['sh', '-c', ["trap 'kill $(jobs -p); wait' TERM", ...starts, 'wait'].join('\n')];
  };
  const servers = await startServers('redis', { count, command });
  return {
    ...servers,
    async kill(port) {
      await servers.container.exec(['sh', '-c', `kill -9 $(cat /data/${port}/pid)`]);
    },
  };
}

function startOne(port: number, settings: Settings): string {
  const folder = `/data/${port}`;
  const lines = [...open, `dir ${folder}`, `pidfile ${folder}/pid`, ...settings];
  const mode = settings.some((line) => line.startsWith('sentinel ')) ? '--sentinel' : '';
  // What a server writes into its file is kept when the container starts again.
  return `mkdir -p ${folder}; [ -e ${folder}/conf ] || echo '${lines.join('\n')}' >${folder}/conf; redis-server ${folder}/conf ${mode} &`;
}

/** A cluster of several nodes. */
export interface StartedCluster extends Servers {
  /** Ends the whole cluster, starts it again with what it had on disk, and resolves when every node serves. */
  restart(): Promise<void>;
  /** The port of the node that has this key now. */
  masterOf(key: string): Promise<number>;
}

/** Masters first, with a share of the slots each; then as many replicas. */
export async function startCluster(options: { masters: number; replicas?: number }): Promise<StartedCluster> {
  const { masters, replicas = 0 } = options;
  const settings = [...toDisk, 'cluster-enabled yes', 'cluster-node-timeout 2000', 'cluster-announce-ip 127.0.0.1'];
  const servers = await startEach(masters + replicas, (ports, index) => [`port ${ports[index]}`, ...settings]);
  const { container, ports } = servers;
  const nodes = ports.map((port) => `127.0.0.1:${port}`);
  const share = ['--cluster-replicas', String(replicas / masters), '--cluster-yes'];
  await container.exec(['redis-cli', '--cluster', 'create', ...nodes, ...share]);
  await allServe(ports);
  return {
    ...servers,
    async restart() {
      await container.restart();
      await allServe(ports);
    },
    masterOf: (key) => masterOf(servers, key),
  };
}

export function connectCluster({ ports }: StartedServers): Cluster {
  const nodes = ports.map((port) => ({ host: '127.0.0.1', port }));
  return new Cluster(nodes, { lazyConnect: true, redisOptions: { protocol: 2 } });
}

async function masterOf(servers: StartedServers, key: string): Promise<number> {
  const client = connectCluster(servers);
  await client.connect();
  const slot = Number(await client.cluster('KEYSLOT', key));
  const ranges = await client.cluster('SLOTS');
  client.disconnect();
  return ranges.find(([from, to]) => from <= slot && slot <= to)?.[2]?.[1] ?? 0;
}

async function allServe(ports: readonly number[]): Promise<void> {
  for (const port of ports) {
    await eventually(port, async (node) => {
      const [state, replication] = [await node.cluster('INFO'), await node.info('replication')];
      return String(state).includes('cluster_state:ok') && !replication.includes('master_link_status:down');
    });
  }
}

/** A master, a replica, and three sentinels that know the master as 'main' and ask everybody for this password. */
export async function startSentinels(password: string): Promise<Servers> {
  const servers = await startEach(5, (ports, index) => {
    const [port, master] = [`port ${ports[index]}`, `127.0.0.1 ${ports[0]}`];
    if (index < 2) {
      const follows = index === 1 ? [`replicaof ${master}`] : [];
      return [port, 'replica-announce-ip 127.0.0.1', ...toDisk, ...follows];
    }
    const times = ['sentinel down-after-milliseconds main 500', 'sentinel failover-timeout main 3000'];
    const asks = [`requirepass ${password}`, `sentinel sentinel-pass ${password}`];
    return [port, 'sentinel announce-ip 127.0.0.1', `sentinel monitor main ${master} 2`, ...times, ...asks];
  });
  for (const port of servers.ports.slice(2)) {
    const isReady = async (sentinel: Redis): Promise<boolean> =>
      (await sentinel.info('sentinel')).includes('slaves=1,sentinels=3');
    await eventually(port, isReady, { password });
  }
  return servers;
}

/** Asks one server until it says yes. */
export async function eventually(
  port: number,
  is: (server: Redis) => Promise<boolean>,
  { withinMs = 30_000, ...login }: { readonly withinMs?: number; readonly password?: string } = {},
): Promise<void> {
  const endAt = Date.now() + withinMs;
  for (;;) {
    const server = new Redis({ ...login, port, lazyConnect: true, retryStrategy: () => null });
    let problem: unknown = 'no';
    server.on('error', (error) => (problem = error));
    try {
      await server.connect();
      if (await is(server)) return;
    } catch (error) {
      problem = error;
    } finally {
      server.disconnect();
    }
    if (Date.now() > endAt) throw new Error(`The server on ${port} did not come to it.`, { cause: problem });
    await delay(50);
  }
}
