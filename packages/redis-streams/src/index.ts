export type { RedisClient, RedisClientTemplate } from './client.ts';
export { createRedisStreamsDriver } from './driver.ts';
export { redisStreams } from './module.ts';
export type {
  RedisConnectionOptions,
  RedisNode,
  RedisStreamsCapabilities,
  RedisStreamsDriverOptions,
  RedisStreamsTuning,
} from './options.ts';
