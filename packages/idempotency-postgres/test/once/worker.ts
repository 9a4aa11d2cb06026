// One of the processes of the proof: handles messages until it is killed, or until the test that started it has ended.
import {
  connect,
  defineQueue,
  idempotent,
  type Claim,
  type ConsumeMiddleware,
  type IdempotencyStore,
} from '@anymq/core';
import { transactional, type Inbox } from '@anymq/idempotency-postgres';
import type { PoolClient } from 'pg';
import { Journal } from './journal.ts';
import { driverOf } from './drivers.ts';
import { variable, type WorkerSettings } from './settings.ts';
import { createPool, createStore } from './stores.ts';

const settings = JSON.parse(process.env[variable] ?? '') as WorkerSettings;
const { worker, namespace, leaseMs, protection } = settings;
const journal = new Journal(settings.journalUrl, namespace);
const failureRate = 0.2;

/** Notes what the store has confirmed, what it has refused, and whose lease had ended when its run had failed. */
function noting(store: IdempotencyStore): IdempotencyStore {
  const leasedUntil = new Map<string, number>();
  const place = ({ key, token }: Claim): string => `${key} ${token}`;
  return {
    async claim(keys, options) {
      const until = performance.now() + options.leaseMs;
      const answers = await store.claim(keys, options);
      for (const [n, answer] of answers.entries())
        if (answer.state === 'claimed') leasedUntil.set(place({ key: keys[n] ?? '', token: answer.token }), until);
      return answers;
    },
    async extend(claims, options) {
      const until = performance.now() + options.leaseMs;
      const answers = await store.extend(claims, options);
      for (const [n, claim] of claims.entries()) if (answers[n] === true) leasedUntil.set(place(claim), until);
      await noteLost(claims.filter((_, n) => answers[n] !== true));
      return answers;
    },
    async release(claims) {
      // It could not renew in time, so somebody else may have begun.
      await noteLost(claims.filter((claim) => performance.now() > (leasedUntil.get(place(claim)) ?? 0)));
      await store.release(claims);
    },
    close: () => store.close(),
    async complete(claims, options) {
      const ids = claims.map(idOf);
      const answers = await store.complete(claims, options).catch(async (error: unknown) => {
        await journal.note(worker, 'unanswered', ids);
        throw error;
      });
      await journal.note(
        worker,
        'completed',
        ids.filter((_, n) => answers[n] === true),
      );
      await noteLost(claims.filter((_, n) => answers[n] !== true));
      return answers;
    },
  };
}

function idOf({ key }: { readonly key: string }): string {
  return key.slice(key.lastIndexOf('/') + 1);
}

function noteLost(claims: readonly Claim[]): Promise<void> {
  return journal.note(worker, 'lost', claims.map(idOf));
}

const inbox: Inbox<PoolClient> | undefined =
  protection === 'transactional'
    ? transactional({ pool: createPool(settings.storeUrl), table: `${namespace}_inbox` })
    : undefined;

async function protect(): Promise<ConsumeMiddleware> {
  if (protection === 'transactional') return inbox as Inbox<PoolClient>;
  return idempotent({ store: noting(await createStore(protection, settings)), leaseMs });
}

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
  use: [await protect()],
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
