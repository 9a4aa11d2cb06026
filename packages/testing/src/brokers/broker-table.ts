import type { BrokerSpec } from './broker-spec.ts';
import { rabbitmq } from './rabbitmq.ts';
import { redis } from './redis.ts';

/** Every broker that runs in containers, in the order in which they are listed. */
export const brokerTable: Readonly<Record<BrokerName, BrokerSpec>> = { redis, rabbitmq };

export type BrokerName = 'redis' | 'rabbitmq';

export const brokerNames: readonly BrokerName[] = Object.keys(brokerTable) as BrokerName[];

export function isBrokerName(name: string): name is BrokerName {
  return Object.hasOwn(brokerTable, name);
}

/** The URL that the environment gives for a broker that runs already. */
export function urlInEnvironment(name: BrokerName): string | undefined {
  const url = process.env[brokerTable[name].variable];
  return url === '' ? undefined : url;
}
