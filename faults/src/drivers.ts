import type { BrokerName, StartBrokerOptions } from '@anymq/testing/brokers';

/** The drivers that are put to the test, by the names of their brokers. */
export type DriverName = Exclude<BrokerName, 'postgres'>;

/** What the documentation asks of a broker that is to keep what it confirmed when it is killed. */
export const drivers: Readonly<Record<string, StartBrokerOptions>> = {
  redis: { configuration: { appendonly: 'yes', appendfsync: 'always' } },
  rabbitmq: {},
  kafka: {},
  sqs: {},
} satisfies Partial<Record<DriverName, StartBrokerOptions>>;

export const driverNames: readonly DriverName[] = Object.keys(drivers) as DriverName[];

/** Those of the short form, in `npm test`. */
export const shortDriverNames: readonly DriverName[] = ['redis', 'rabbitmq'];
