import { startBroker } from '../brokers/index.ts';
import type { BrokerName, StartBrokerOptions, StartedBroker } from '../brokers/index.ts';
import { brokerTable } from '../brokers/broker-table.ts';
import { startFaultProxy } from './fault-proxy.ts';
import type { FaultProxy } from './fault-proxy.ts';

/** A broker of the caller's own, and a proxy before each of its containers. */
export interface BrokerBehindProxy {
  readonly broker: StartedBroker;
  /** Leads through the proxies; `broker.url` leads past them, save where a broker tells its clients its own address (Kafka). */
  readonly url: string;
  /** One per container, in their order. */
  readonly proxies: readonly FaultProxy[];
  /** Closes the proxies and removes the broker. */
  stop(): Promise<void>;
}

/** Starts a broker as `startBroker` does, with a proxy before it: what the broker tells clients of its address leads there. */
export async function startBehindProxy(name: BrokerName, options: StartBrokerOptions = {}): Promise<BrokerBehindProxy> {
  const parts = brokerTable[name].containers;
  // Nobody knows of them before they lead anywhere.
  const proxies = await Promise.all(parts.map(() => startFaultProxy(0)));
  const ports = proxies.map(({ port }) => port);
  const broker = await startBroker(name, { ...options, advertisedPorts: ports });
  broker.ports.forEach((port, part) => proxies[part]?.lead(port));
  return {
    broker,
    url: brokerTable[name].url(ports),
    proxies,
    async stop() {
      await Promise.all(proxies.map((proxy) => proxy.close()));
      await broker.container.stop();
    },
  };
}
