import { createRedisStore } from '@anymq/idempotency-redis';
import { redisStreams } from '@anymq/redis-streams';
import { Redis } from 'ioredis';
import { type AnymqOptions, anymqContender, type OpenStore } from '../compare/anymq.ts';
import { type BrokerSuite, brokerSuite } from '../compare/broker-suite.ts';
import { bullMq } from './bullmq.ts';
import { moleculerChannels } from './moleculer.ts';
import { qified } from './qified.ts';
import { rawRedis } from './raw.ts';
import { storedEntry } from './stored-entry.ts';

const ours: AnymqOptions = {
  driver: redisStreams,
  // As many as the raw client reads at once.
  atOnce: 500,
  look: (url, { queue = '' }) => storedEntry(url, queue),
};

function redisStore(url: string): OpenStore {
  const client = new Redis(url);
  const store = createRedisStore({ client, prefix: `bench:${process.pid}:${performance.now()}:` });
  return { store, close: () => client.disconnect() };
}

export const redisSuite: BrokerSuite = brokerSuite({
  broker: 'redis',
  start: { configuration: { appendonly: 'yes', appendfsync: 'everysec' } },
  setting: 'append-only file, fsync every second',
  ours,
  raw: rawRedis,
  others: [
    anymqContender({ ...ours, name: 'anymq idempotent in Redis', store: redisStore, share: 0.2 }),
    bullMq,
    moleculerChannels,
    qified,
  ],
  quickCounts: {
    sendMany: 30_000,
    'send-awaited': 2000,
    'send-at-once': 20_000,
    consume: 30_000,
    'consume-batch': 30_000,
  },
  latencies: { idle: { quick: 200, full: 1000 }, perSecond: 2000 },
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
});
