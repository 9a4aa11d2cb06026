import { createRedisStore } from '@anymq/idempotency-redis';
import { redisStreams } from '@anymq/redis-streams';
import { Redis } from 'ioredis';
import { type AnymqOptions, anymqContender, memoryStore, type OpenStore } from '../compare/anymq.ts';
import type { BrokerSuite } from '../compare/broker-suite.ts';
import { bullMq } from './bullmq.ts';
import { moleculerChannels } from './moleculer.ts';
import { rawRedis } from './raw.ts';
import { storedEntry } from './stored-entry.ts';

/** As many as the raw client reads at once. */
const atOnce = 500;
const look: NonNullable<AnymqOptions['look']> = (url, { queue = '' }) => storedEntry(url, queue);
const ours = { driver: redisStreams, atOnce, look };

function redisStore(url: string): OpenStore {
  const client = new Redis(url);
  const store = createRedisStore({ client, prefix: `bench:${process.pid}:${performance.now()}:` });
  return { store, close: () => client.disconnect() };
}

export const redisSuite: BrokerSuite = {
  broker: 'redis',
  start: { configuration: { appendonly: 'yes', appendfsync: 'everysec' } },
  setting: 'append-only file, fsync every second',
  contenders: () => [
    anymqContender(ours),
    rawRedis,
    anymqContender({ ...ours, name: 'anymq idempotent', store: memoryStore }),
    anymqContender({ ...ours, name: 'anymq idempotent in Redis', store: redisStore, share: 0.2 }),
    bullMq,
    moleculerChannels,
  ],
  counts: (size) => {
    const factor = size === 'quick' ? 1 : 4;
    return {
      sendMany: 30_000 * factor,
      'send-awaited': 2000 * factor,
      'send-at-once': 20_000 * factor,
      consume: 30_000 * factor,
      'consume-batch': 30_000 * factor,
    };
  },
  latency: (size) => ({
    idle: { messages: size === 'quick' ? 200 : 1000, pauseMs: 1 },
    steady: { messages: size === 'quick' ? 4000 : 10_000, perSecond: 2000 },
    rounds: 3,
  }),
  aims: {
    anymq: { sendMany: 1, 'send-awaited': 0.9, consume: 1, 'consume-batch': 1 },
    'anymq idempotent': { consume: 0.9, 'consume-batch': 0.9 },
  },
  async version(url) {
    const redis = new Redis(url);
    const info = await redis.info('server');
    redis.disconnect();
    return `Redis ${/redis_version:(\S+)/.exec(info)?.[1] ?? 'unknown'}`;
  },
};
