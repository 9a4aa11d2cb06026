import type { DriverModule } from '../driver-interface.ts';

/** An adapter that core knows by name only; nothing here is imported. Its package is `@anymq/` + driver. */
export interface KnownAdapter {
  /** The `driver` of a configuration object. */
  readonly driver: string;
  /** Of URLs, without the colon. */
  readonly schemes: readonly string[];
  /** The vendor's clients: peer dependencies of the adapter. */
  readonly clients: readonly string[];
}

export const knownAdapters: readonly KnownAdapter[] = [
  { driver: 'memory', schemes: ['memory'], clients: [] },
  { driver: 'redis-streams', schemes: ['redis', 'rediss'], clients: ['ioredis'] },
  { driver: 'rabbitmq', schemes: ['amqp', 'amqps'], clients: ['amqplib'] },
  { driver: 'kafka', schemes: ['kafka'], clients: ['kafkajs'] },
  { driver: 'sqs', schemes: ['sqs'], clients: ['@aws-sdk/client-sqs', '@aws-sdk/client-sns'] },
];

export function packageOf(adapter: KnownAdapter): string {
  return `@anymq/${adapter.driver}`;
}

export function installLine(adapter: KnownAdapter): string {
  return ['npm install', packageOf(adapter), ...adapter.clients].join(' ');
}

/** The scheme of a broker's URL in lower case; undefined for what can only be a path: `C:\anymq.json`, `./anymq.json`. */
export function schemeOf(text: string, drivers: readonly DriverModule[] = []): string | undefined {
  const scheme = /^([a-z][a-z0-9+.-]+):/i.exec(text)?.[1]?.toLowerCase();
  if (scheme === undefined) return undefined;
  if ([...knownAdapters, ...drivers].some(({ schemes }) => schemes.includes(scheme))) return scheme;
  if (/\.json$/i.test(text) && !text.includes('://')) return undefined;
  // Of 'user:password@host' the first part is no scheme, and must not be shown as one.
  return text.includes('@') && !text.includes('://') ? undefined : scheme;
}
