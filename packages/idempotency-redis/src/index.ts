import type { IdempotencyStore } from '@anymq/core';
import { invalidOption, requireKnown, requireNumber } from '@anymq/core/driver';
import type { RedisClient } from './client.ts';
import { RedisStore } from './redis-store.ts';

export type { RedisClient } from './client.ts';

export interface RedisStoreOptions {
  /** A client of ioredis, of one server or of a cluster. Stays yours: the store does not close it. */
  readonly client: RedisClient;
  /** What the names of its keys in Redis begin with: 'anymq:once:' by default. Stores that share it share their keys. */
  readonly prefix?: string | undefined;
  /** How long a call waits for its answer, then it rejects: 1 to 600,000; 5,000 by default. */
  readonly timeoutMs?: number | undefined;
}

/**
 * Keeps keys in Redis, tested on 8.0: one script, one round trip for each step, whatever the number of messages. Time is the
 * server's. What the server forgets, by a crash without `appendonly` or by eviction, it lets run again. @throws INVALID_OPTION
 */
export function createRedisStore(options: RedisStoreOptions): IdempotencyStore {
  requireKnown('createRedisStore', options, ['client', 'prefix', 'timeoutMs']);
  const { client, prefix = 'anymq:once:' } = options;
  if (typeof client?.callBuffer !== 'function') throw invalidOption('client must be a client of ioredis.');
  if (typeof prefix !== 'string') throw invalidOption('prefix must be a string.');
  const timeoutMs = requireNumber('timeoutMs', options.timeoutMs ?? 5000, { min: 1, max: 600_000 });
  return new RedisStore({ client, prefix, timeoutMs });
}
