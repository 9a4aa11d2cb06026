import type { BrokerSpec, ContainerSpec } from './broker-spec.ts';
import { kafka } from './kafka.ts';
import { postgres } from './postgres.ts';
import { rabbitmq } from './rabbitmq.ts';
import { redis } from './redis.ts';
import { sqs } from './sqs.ts';

/** Every broker that runs in containers, in the order in which they are listed, and the stores beside them. */
export const brokerTable: Readonly<Record<BrokerName, BrokerSpec>> = { redis, rabbitmq, kafka, sqs, postgres };

export type BrokerName = 'redis' | 'rabbitmq' | 'kafka' | 'sqs' | 'postgres';

/** All of them. */
export const serverNames: readonly BrokerName[] = Object.keys(brokerTable) as BrokerName[];

/** Those whose URLs `connect` takes. */
export const brokerNames: readonly BrokerName[] = serverNames.filter((name) => brokerTable[name].store === undefined);

export function isBrokerName(name: string): name is BrokerName {
  return Object.hasOwn(brokerTable, name);
}

/** The URL that the environment gives for a broker that runs already. */
export function urlInEnvironment(name: BrokerName): string | undefined {
  const url = process.env[brokerTable[name].variable];
  return url === '' ? undefined : url;
}

/**
 * The broker's containers with another version of its server.
 *
 * @throws {Error} when the broker has no version of that name
 */
export function containersOf(
  name: BrokerName,
  version: string | undefined = versionInEnvironment(name),
): readonly [ContainerSpec, ...ContainerSpec[]] {
  const { containers, versions = {} } = brokerTable[name];
  if (version === undefined) return containers;
  if (!Object.hasOwn(versions, version))
    throw new Error(`${name} has no version ${version}; it has ${Object.keys(versions).join(', ') || 'none'}.`);
  const [first, ...others] = containers;
  return [{ ...first, ...versions[version] }, ...others];
}

/** Of `ANYMQ_TEST_VERSIONS=redis=7.0,rabbitmq=4.3`: the suites then run on those servers. */
function versionInEnvironment(name: BrokerName): string | undefined {
  const pairs = (process.env['ANYMQ_TEST_VERSIONS'] ?? '').split(',').map((pair) => pair.split('='));
  return pairs.find(([broker]) => broker === name)?.[1];
}
