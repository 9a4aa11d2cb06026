import type { ContainerSpec, Credentials } from './broker-spec.ts';
import type { BrokerName } from './broker-table.ts';
import { brokerTable } from './broker-table.ts';
import type { StartedContainer } from './container.ts';
import { untilItAnswers } from './readiness.ts';
import { docker, succeed } from './run-command.ts';

/** A broker that tests may use, through the URL that `connect` takes. */
export interface Broker {
  readonly name: BrokerName;
  readonly url: string;
  /** Undefined where the URL came from the environment: such a broker is not the tests' to restart. */
  readonly container: BrokerContainer | undefined;
}

export interface StartedBroker extends Broker {
  /** The port of 127.0.0.1 that each container is published on. */
  readonly ports: readonly number[];
  readonly container: BrokerContainer;
  /** Of a cluster, in the order of its ports; otherwise none. */
  readonly servers: readonly ClusterServer[];
}

/** One server of a cluster. */
export interface ClusterServer {
  /** SIGKILL to it alone. */
  kill(): Promise<void>;
  /** Brings it back with what it had on disk, and resolves when it answers. */
  start(): Promise<void>;
}

/**
 * What can be done to a broker in containers. A broker of several is restarted, killed and so on as a whole. Each call
 * resolves when it is done, and rejects with what Docker said when it cannot be.
 */
export interface BrokerContainer {
  /** Ends it in its own way (after 10 s with force) and starts it again with its data, on the same port. Resolves when it answers. Brings it back after `kill` as well. */
  restart(): Promise<void>;
  /** SIGKILL: it ends at once. `restart` brings it back with what it had on disk. */
  kill(): Promise<void>;
  /** Freezes it: connections stay open and get no answer. */
  pause(): Promise<void>;
  unpause(): Promise<void>;
  /** Removes it and its data. May be called again. */
  stop(): Promise<void>;
  /** Runs a program in it (in the first container, when there are several) and returns what it prints on standard output. */
  exec(command: readonly string[]): Promise<string>;
}

/** Makes the handle from what identifies the containers, so that any process can. */
export function containerHandle(name: BrokerName, containers: readonly StartedContainer[]): BrokerContainer {
  const ids = containers.map(({ id }) => id);
  const call = async (...args: readonly string[]): Promise<void> => {
    await succeed(docker([...args, ...ids]), `docker ${args[0]} (${name})`);
  };
  return {
    async restart() {
      await call('restart');
      await Promise.all(
        withSpecs(name, containers).map(({ spec, id, port }) => untilItAnswers(docker, id, spec, port)),
      );
    },
    kill: () => call('kill'),
    pause: () => call('pause'),
    unpause: () => call('unpause'),
    stop: () => call('rm', '--force', '--volumes'),
    exec: (command) =>
      succeed(docker(['exec', ...ids.slice(0, 1), ...command]), `${command[0]} in the container of ${name}`),
  };
}

/** Each container beside what it was started from; both are in the same order. */
export function withSpecs(
  name: BrokerName,
  containers: readonly StartedContainer[],
): readonly (StartedContainer & { readonly spec: ContainerSpec })[] {
  return brokerTable[name].containers.flatMap((spec, part) => {
    const container = containers[part];
    return container === undefined ? [] : [{ ...container, spec }];
  });
}

export function brokerUrl(
  name: BrokerName,
  containers: readonly StartedContainer[],
  credentials?: Credentials,
): string {
  return brokerTable[name].url(
    containers.map(({ port }) => port),
    credentials,
  );
}
