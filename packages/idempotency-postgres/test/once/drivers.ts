import type { DriverModule } from '@anymq/core';

export async function driverOf(url: string): Promise<DriverModule> {
  if (url.startsWith('redis:')) return (await import('@anymq/redis-streams')).redisStreams;
  return (await import('@anymq/rabbitmq')).rabbitmq;
}
