import { createMemoryStore, idempotent, type ConsumeMiddleware } from '@anymq/core';
import { createPostgresStore, transactional } from '@anymq/idempotency-postgres';
import { createRedisStore } from '@anymq/idempotency-redis';
import { Redis } from 'ioredis';
import { Pool } from 'pg';

/** A consumer's middleware, fresh: nothing is remembered of the run before. */
export interface Protection {
  readonly use: readonly ConsumeMiddleware[];
  close(): Promise<void>;
}

export type ProtectionName = 'without' | 'memory' | 'redis' | 'postgres' | 'transactional';

let runs = 0;
/** Other runs may use the same servers. */
const mine: string = Math.random().toString(36).slice(2, 8);

export function openProtection(
  name: ProtectionName,
  urls: { readonly redis: string; readonly postgres: string },
): Protection {
  const fresh = `bench_${mine}_${(runs += 1)}`;
  if (name === 'without') return { use: [], close: async () => undefined };
  if (name === 'memory') return around(idempotent({ store: createMemoryStore() }), async () => undefined);
  if (name === 'redis') {
    const client = new Redis(urls.redis);
    return around(idempotent({ store: createRedisStore({ client, prefix: `${fresh}:` }) }), async () => {
      client.disconnect();
    });
  }
  const pool = new Pool({ connectionString: urls.postgres, max: 16 });
  const middleware =
    name === 'postgres'
      ? idempotent({ store: createPostgresStore({ pool, table: fresh }) })
      : transactional({ pool, table: fresh });
  return around(middleware, () => pool.end());
}

function around(middleware: ConsumeMiddleware, close: () => Promise<void>): Protection {
  return { use: [middleware], close };
}
