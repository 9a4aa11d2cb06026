// One of the processes of the proof: handles messages until it is killed, or until the test that started it has ended.
import { connect, defineQueue, idempotent, type ConsumeMiddleware, type IdempotencyStore } from '@anymq/core';
import { createPostgresStore, transactional, type Inbox } from '@anymq/idempotency-postgres';
import { Pool, type PoolClient } from 'pg';
import { Journal } from './journal.ts';
import { driverOf } from './drivers.ts';
import { leaseMs, variable, type WorkerSettings } from './settings.ts';

const settings = JSON.parse(process.env[variable] ?? '') as WorkerSettings;
const { worker, namespace } = settings;
const journal = new Journal(settings.journalUrl, namespace);
const failureRate = 0.2;

function createPool(): Pool {
  const pool = new Pool({ connectionString: settings.storeUrl, max: 14 });
  pool.on('error', () => undefined);
  return pool;
}

/** Only what is used is loaded: processes start often here. */
async function createStore(): Promise<IdempotencyStore> {
  if (settings.protection === 'postgres')
    return createPostgresStore({ pool: createPool(), table: `${namespace}.once` });
  const [{ createRedisStore }, { Redis }] = await Promise.all([import('@anymq/idempotency-redis'), import('ioredis')]);
  const client = new Redis(settings.storeUrl);
  client.on('error', () => undefined);
  return createRedisStore({ client, prefix: `${namespace}:` });
}

/** Notes what the store has confirmed, and what it has refused. */
function noting(store: IdempotencyStore): IdempotencyStore {
  return {
    claim: (keys, options) => store.claim(keys, options),
    extend: (claims, options) => store.extend(claims, options),
    release: (claims) => store.release(claims),
    close: () => store.close(),
    async complete(claims, options) {
      const answers = await store.complete(claims, options);
      const ids = claims.map(({ key }) => key.slice(key.lastIndexOf('/') + 1));
      await journal.note(
        worker,
        'completed',
        ids.filter((_, n) => answers[n] === true),
      );
      await journal.note(
        worker,
        'lost',
        ids.filter((_, n) => answers[n] !== true),
      );
      return answers;
    },
  };
}

const inbox: Inbox<PoolClient> | undefined =
  settings.protection === 'transactional'
    ? transactional({ pool: createPool(), table: `${namespace}.inbox` })
    : undefined;
const protection: ConsumeMiddleware = inbox ?? idempotent({ store: noting(await createStore()), leaseMs });

/** The work itself: it takes its time, so that deaths come in the middle of it. */
const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const mayFail = (): void => {
  if (Math.random() < failureRate) throw new Error('fails now and then');
};

const client = await connect(
  { brokers: { all: settings.brokerUrl }, namespace },
  { drivers: [await driverOf(settings.brokerUrl)] },
);
const options = {
  use: [protection],
  leaseMs,
  crashLimit: 100,
  retry: { maxAttempts: 100, backoff: () => 50 },
};
const consumer = client.consumer(defineQueue('orders'), options, async (_body, delivery) => {
  const { id } = delivery.message;
  await journal.note(worker, 'start', [id]);
  try {
    await wait(10 + 60 * Math.random());
    if (inbox === undefined) {
      // Nothing undoes it: the failures come before.
      mayFail();
      await journal.effect(id);
    } else {
      await inbox.client(delivery).query(Journal.effectInto(namespace), [id]);
      mayFail();
    }
    await wait(20 * Math.random());
  } finally {
    await journal.note(worker, 'end', [id]);
  }
});
await consumer.start();
process.stdout.write('ready\n');

// Its other end is the test: when that is gone, so is this.
process.stdin.resume();
process.stdin.on('end', () => process.exit());
