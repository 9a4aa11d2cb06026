import type { IdempotencyStore } from '@anymq/core';
import { createPostgresStore } from '@anymq/idempotency-postgres';
import { Pool } from 'pg';
import type { Protection, WorkerSettings } from './settings.ts';

type Settings = Pick<WorkerSettings, 'storeUrl' | 'namespace'>;

export function createPool(url: string): Pool {
  const pool = new Pool({ connectionString: url, max: 14 });
  // Connections that die with the server: the query that finds out is what counts.
  pool.on('error', () => undefined);
  return pool;
}

/** Only what is used is loaded: processes start often here. */
export function createStore(
  protection: Exclude<Protection, 'transactional'>,
  settings: Settings,
): Promise<IdempotencyStore> {
  return creators[protection](settings);
}

const creators: Readonly<
  Record<Exclude<Protection, 'transactional'>, (settings: Settings) => Promise<IdempotencyStore>>
> = {
  async redis({ storeUrl, namespace }) {
    const [{ createRedisStore }, { Redis }] = await Promise.all([
      import('@anymq/idempotency-redis'),
      import('ioredis'),
    ]);
    const client = new Redis(storeUrl, { maxRetriesPerRequest: null, retryStrategy: () => 100 });
    client.on('error', () => undefined);
    return createRedisStore({ client, prefix: `${namespace}:` });
  },
  async postgres({ storeUrl, namespace }) {
    return createPostgresStore({ pool: createPool(storeUrl), table: `${namespace}_once` });
  },
  async dynamodb({ storeUrl, namespace }) {
    const [{ createDynamodbStore }, { DynamoDBClient }] = await Promise.all([
      import('@anymq/idempotency-dynamodb'),
      import('@aws-sdk/client-dynamodb'),
    ]);
    const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
    const client = new DynamoDBClient({ endpoint: storeUrl, region: 'eu-west-1', credentials });
    return createDynamodbStore({ client, prefix: `${namespace}/` });
  },
};
