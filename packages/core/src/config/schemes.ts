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
