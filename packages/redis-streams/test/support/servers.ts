import { setTimeout as delay } from 'node:timers/promises';
import { type StartedServers, startServers } from '@anymq/testing/brokers';
import { Cluster, Redis } from 'ioredis';

type Settings = Readonly<Record<string, string | number>>;

const toDisk: Settings = { appendonly: 'yes', appendfsync: 'always' };
const open: Settings = { bind: '0.0.0.0', 'protected-mode': 'no', save: '""' };

/** The command line of a container with several servers: each in a folder of its own, all ended by the container's end. */
function serving(settings: readonly (Settings & { readonly port: number })[], program = 'redis-server'): string[] {
  const lines = settings.map((each) => {
    const options = Object.entries({ ...open, ...each, pidfile: `/data/${each.port}/pid` });
    const words = options.map(([name, value]) => `--${name} ${value}`).join(' ');
    return `mkdir -p /data/${each.port}; (cd /data/${each.port} && exec ${program} --dir /data/${each.port} ${words}) &`;
  });
  return ['sh', '-c', ["trap 'kill $(jobs -p); wait' TERM", ...lines, 'wait'].join('\n')];
}

/** A cluster of several nodes in one container. */
export interface StartedCluster extends StartedServers {
  /** Ends the whole cluster, starts it again with what it had on disk, and resolves when every node serves. */
  restart(): Promise<void>;
  /** SIGKILL to one node. */
  kill(port: number): Promise<void>;
}

/** The first `masters` ports are masters with a share of the slots each; every other one replicates the first master. */
export async function startCluster({
  masters,
  replicas = 0,
}: {
  masters: number;
  replicas?: number;
}): Promise<StartedCluster> {
  const cluster = { 'cluster-enabled': 'yes', 'cluster-node-timeout': 2000, 'cluster-announce-ip': '127.0.0.1' };
  const servers = await startServers('redis', {
    count: masters + replicas,
    command: (ports) => serving(ports.map((port) => ({ ...toDisk, ...cluster, port }))),
  });
  const { container, ports } = servers;
  const nodes = ports.map((port) => `127.0.0.1:${port}`);
  const cli = (...words: readonly string[]): Promise<string> => container.exec(['redis-cli', ...words]);
  await cli('--cluster', 'create', ...nodes.slice(0, masters), '--cluster-yes');
  for (const node of nodes.slice(masters)) {
    await cli('--cluster', 'add-node', node, nodes[0] ?? '', '--cluster-slave');
  }
  await allServe(ports);
  return {
    ...servers,
    async restart() {
      await container.restart();
      await allServe(ports);
    },
    async kill(port) {
      await container.exec(['sh', '-c', `kill -9 $(cat /data/${port}/pid)`]);
    },
  };
}

export function connectCluster({ ports }: StartedServers): Cluster {
  const nodes = ports.map((port) => ({ host: '127.0.0.1', port }));
  return new Cluster(nodes, { lazyConnect: true, redisOptions: { protocol: 2 } });
}

async function allServe(ports: readonly number[]): Promise<void> {
  for (const port of ports) {
    await eventually(port, async (node) => {
      const [state, slots, replicates] = [
        await node.cluster('INFO'),
        await node.cluster('SHARDS'),
        await node.info('replication'),
      ];
      const isComplete = (slots as readonly unknown[]).length > 0 && !replicates.includes('master_link_status:down');
      return String(state).includes('cluster_state:ok') && isComplete;
    });
  }
}

/** Asks one server until it says yes. */
export async function eventually(
  port: number,
  is: (server: Redis) => Promise<boolean>,
  withinMs = 30_000,
): Promise<void> {
  const endAt = Date.now() + withinMs;
  for (;;) {
    const server = new Redis({ port, lazyConnect: true, retryStrategy: () => null });
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
