import { createMemoryStore, idempotent, type ConsumeMiddleware } from '@anymq/core';
import { forBothKinds } from '@anymq/core/driver';
import { createPostgresStore, transactional } from '@anymq/idempotency-postgres';
import { createRedisStore } from '@anymq/idempotency-redis';
import { Redis } from 'ioredis';
import { Pool } from 'pg';

/** A consumer's middleware, fresh: nothing is remembered of the run before. */
export interface Protection {
  readonly use: readonly ConsumeMiddleware[];
  close(): Promise<void>;
}

/** The second and third protect from nothing: a function that awaits the handler, and one that remembers the ids beside. */
export type ProtectionName =
  | 'without'
  | 'awaited-call'
  | 'bare-set'
  | 'memory'
  | 'redis'
  | 'postgres'
  | 'transactional';

let runs = 0;
/** Other runs may use the same servers. */
const mine: string = Math.random().toString(36).slice(2, 8);

export function openProtection(
  name: ProtectionName,
  urls: { readonly redis: string; readonly postgres: string },
): Protection {
  const fresh = `bench_${mine}_${(runs += 1)}`;
  if (name === 'without') return { use: [], close: async () => undefined };
  if (name === 'awaited-call') return around(awaitedCall(), async () => undefined);
  if (name === 'bare-set') return around(bareSet(), async () => undefined);
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

/** The least that can stand between a consumer and its handler, and wait for both. */
function awaitedCall(): ConsumeMiddleware {
  return forBothKinds(
    (next) => async (body, delivery) => await next(body, delivery),
    (next) => async (deliveries, context) => await next(deliveries, context),
  );
}

/** The least that can tell a duplicate: it knows no lease, no failure, no scope and no end. */
function bareSet(): ConsumeMiddleware {
  const seen = new Set<string>();
  const isNew = ({ message: { id } }: { readonly message: { readonly id: string } }): boolean => {
    const before = seen.size;
    return seen.add(id).size > before;
  };
  return forBothKinds(
    (next) => async (body, delivery) => (isNew(delivery) ? await next(body, delivery) : undefined),
    (next) => async (deliveries, context) => await next(deliveries.filter(isNew), context),
  );
}
