import type { DriverModule } from '@anymq/core';

const modules: Readonly<Record<string, () => Promise<DriverModule>>> = {
  'redis:': async () => (await import('@anymq/redis-streams')).redisStreams,
  'amqp:': async () => (await import('@anymq/rabbitmq')).rabbitmq,
  'kafka:': async () => (await import('@anymq/kafka')).kafka,
  'sqs:': async () => (await import('@anymq/sqs')).sqs,
};

/** Only what is used is loaded: processes start often here. */
export async function driverOf(url: string): Promise<DriverModule> {
  const load = modules[url.slice(0, url.indexOf(':') + 1)];
  if (load === undefined) throw new Error('The proof knows no broker with such a URL.');
  return load();
}
