import type { Config } from '@anymq/core';
import { sqs } from '@anymq/sqs';
import { startBehindProxy, startClusterBehindProxy } from '@anymq/testing/proxy';
import type { BrokerName, Configuration, Credentials } from '@anymq/testing/brokers';
import type { BrokerBehindProxy } from '@anymq/testing/proxy';

/** The drivers that are put to the test, by the names of their brokers. */
export type DriverName = Exclude<BrokerName, 'postgres'>;

/** What the documentation asks of a broker that is to keep what it confirmed when it is killed. */
const configurations: Readonly<Record<DriverName, Configuration>> = {
  redis: { appendonly: 'yes', appendfsync: 'always' },
  rabbitmq: {},
  // Everybody may do everything until something is denied.
  kafka: {
    'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
    'allow.everyone.if.no.acl.found': 'true',
    'super.users': 'User:ANONYMOUS',
  },
  sqs: {},
};

export const driverNames: readonly DriverName[] = Object.keys(configurations) as DriverName[];

/** Whom every broker lets in, and what nobody may print. SQS's emulators ask nobody; there it is the secret key. */
export const credentials: Credentials = { username: 'default', password: 'p@ss-nobody/may%print' };

/** Of several servers, or of one. */
export function startDriver(name: DriverName, isCluster: boolean): Promise<BrokerBehindProxy> {
  if (isCluster) return startClusterBehindProxy(name, { credentials });
  return startBehindProxy(name, { configuration: configurations[name], credentials });
}

/** What `connect` takes for that URL. */
export function placeOf(url: string): Config['brokers'][string] {
  if (!url.startsWith('sqs:')) return url;
  const keys = { accessKeyId: credentials.username, secretAccessKey: credentials.password };
  return { driver: 'sqs', ...sqs.parseUrl(url), credentials: keys };
}
