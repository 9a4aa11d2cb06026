import type { DriverModule } from '../driver-interface.ts';

/** What answers to the `driver` of a configuration object, and to the schemes of URLs, without the colon. */
export type Named = Pick<DriverModule, 'name' | 'schemes'>;

/** Adapters that core knows by name only; nothing here is imported. Their packages are `@anymq/` + name. */
export const knownAdapters: readonly Named[] = [
  { name: 'memory', schemes: ['memory'] },
  { name: 'redis-streams', schemes: ['redis', 'rediss'] },
  { name: 'rabbitmq', schemes: ['amqp', 'amqps'] },
  { name: 'kafka', schemes: ['kafka'] },
  { name: 'sqs', schemes: ['sqs'] },
];

/** The scheme of a broker's URL in lower case; undefined for what can only be a path: `C:\anymq.json`, `./anymq.json`. */
export function schemeOf(text: string, drivers: readonly DriverModule[] = []): string | undefined {
  const scheme = /^([a-z][a-z0-9+.-]+):/i.exec(text)?.[1]?.toLowerCase();
  if (scheme === undefined) return undefined;
  if ([...knownAdapters, ...drivers].some(({ schemes }) => schemes.includes(scheme))) return scheme;
  if (/\.json$/i.test(text) && !text.includes('://')) return undefined;
  // Of 'user:password@host' the first part is no scheme, and must not be shown as one.
  return text.includes('@') && !text.includes('://') ? undefined : scheme;
}
