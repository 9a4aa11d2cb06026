import type { ClusterServer, StartedBroker } from './broker.ts';
import type { ClusterPorts, Credentials } from './broker-spec.ts';
import { brokerTable } from './broker-table.ts';
import type { BrokerName } from './broker-table.ts';
import { untilItAnswers } from './readiness.ts';
import { docker } from './run-command.ts';
import { startServers } from './start-servers.ts';

export interface StartClusterOptions {
  /** Default: 3. */
  readonly count?: number;
  /** Per server, the port of 127.0.0.1 that clients are told, where a proxy stands before it. Default: its own. */
  readonly advertisedPorts?: readonly number[];
  /** Whom it lets in, and the URL names. */
  readonly credentials?: Credentials;
}

/**
 * Starts a cluster of Kafka or RabbitMQ in one container, and resolves when all of its servers are members. Topics and queues
 * have a copy on each. It ends as the brokers of `startBroker` do; `container.restart` waits for the first server only.
 *
 * @throws {BrokerUnavailableError} when neither the image nor Docker is to be had
 */
export async function startCluster(
  name: BrokerName,
  { count = 3, advertisedPorts, credentials }: StartClusterOptions = {},
): Promise<StartedBroker> {
  const { cluster, containers } = brokerTable[name];
  if (cluster === undefined) throw new Error(`${name} has no cluster here.`);
  const told = (ports: readonly number[]): ClusterPorts => ({ ports, advertisedPorts: advertisedPorts ?? ports });
  const starts = (ports: readonly number[]): readonly string[] =>
    ports.map((_, place) => startOf(place, cluster.server(place, told(ports), credentials)));
  const { id, ports, container } = await startServers(name, {
    count,
    command: (own) => [
      'sh',
      '-c',
      ["trap 'kill $(jobs -p); wait' TERM", ...starts(own).map((start) => `${start} &`), 'wait'].join('\n'),
    ],
  });
  const servers = starts(ports).map((start, place): ClusterServer => ({
    kill: async () => void (await container.exec(['sh', '-c', `kill -9 $(cat /tmp/${place}.pid)`])),
    async start() {
      await container.exec(['sh', '-c', `(${start}) >/dev/null 2>&1 &`]);
      await untilItAnswers(docker, id, containers[0], ports[place] ?? 0);
    },
  }));
  try {
    await cluster.formed((command) => container.exec(command), told(ports));
  } catch (error) {
    await container.stop();
    throw error;
  }
  return { name, url: brokerTable[name].url(ports, credentials), ports, container, servers };
}

function startOf(place: number, script: string): string {
  return `sh -c 'echo $$ >/tmp/${place}.pid\n${script}'`;
}
