import { brokerTable } from '../brokers/broker-table.ts';
import { startBroker, startCluster } from '../brokers/index.ts';
import type { BrokerName, StartBrokerOptions, StartClusterOptions, StartedBroker } from '../brokers/index.ts';
import { startFaultProxy } from './fault-proxy.ts';
import type { FaultProxy } from './fault-proxy.ts';

/** A broker of the caller's own, and a proxy before each of its containers, or of its servers where it is a cluster. */
export interface BrokerBehindProxy {
  readonly broker: StartedBroker;
  /** Leads through the proxies; `broker.url` leads past them, save where a broker tells its clients its own address (Kafka). */
  readonly url: string;
  /** One per container or server, in their order. */
  readonly proxies: readonly FaultProxy[];
  /** Closes the proxies and removes the broker. */
  stop(): Promise<void>;
}

/** Starts a broker as `startBroker` does, with a proxy before it: what the broker tells clients of its address leads there. */
export function startBehindProxy(name: BrokerName, options: StartBrokerOptions = {}): Promise<BrokerBehindProxy> {
  return behindProxies(name, brokerTable[name].containers.length, options, (advertisedPorts) =>
    startBroker(name, { ...options, advertisedPorts }),
  );
}

/** Starts a cluster as `startCluster` does, with a proxy before each server. */
export function startClusterBehindProxy(
  name: BrokerName,
  options: StartClusterOptions = {},
): Promise<BrokerBehindProxy> {
  return behindProxies(name, options.count ?? 3, options, (advertisedPorts) =>
    startCluster(name, { ...options, advertisedPorts }),
  );
}

async function behindProxies(
  name: BrokerName,
  count: number,
  { credentials }: Pick<StartBrokerOptions, 'credentials'>,
  start: (advertisedPorts: readonly number[]) => Promise<StartedBroker>,
): Promise<BrokerBehindProxy> {
  // Nobody knows of them before they lead anywhere.
  const proxies = await Promise.all(Array.from({ length: count }, () => startFaultProxy(0)));
  const ports = proxies.map(({ port }) => port);
  const broker = await start(ports);
  broker.ports.forEach((port, part) => proxies[part]?.lead(port));
  return {
    broker,
    url: brokerTable[name].url(ports, credentials),
    proxies,
    async stop() {
      await Promise.all(proxies.map((proxy) => proxy.close()));
      await broker.container.stop();
    },
  };
}
