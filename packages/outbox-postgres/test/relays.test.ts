import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { connect, createMemoryStore, idempotent } from '@anymq/core';
import { outbox } from '@anymq/outbox-postgres';
import { redisStreams } from '@anymq/redis-streams';
import { sharedBroker } from '@anymq/testing/brokers';
import { Pool } from 'pg';
import { expect, test } from 'vitest';
import { relaysQueue, variable, type RelayProcess } from './relays/settings.ts';

const postgresUrl = sharedBroker('postgres')?.url ?? '';
const redisUrl = sharedBroker('redis')?.url ?? '';
const keys = Array.from({ length: 40 }, (_, n) => `key-${n}`);
const perKey = 25;

async function startRelay(settings: RelayProcess): Promise<ChildProcess> {
  const file = fileURLToPath(new URL('relays/worker.ts', import.meta.url));
  const child = spawn(process.execPath, ['--conditions=source', file], {
    env: { ...process.env, [variable]: JSON.stringify(settings) },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  return child;
}

async function kill(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL');
  await once(child, 'exit');
}

test.runIf(postgresUrl !== '' && redisUrl !== '')(
  'of relays of which one is frozen and the others are killed, all is sent, and every key in order',
  { timeout: 180_000 },
  async () => {
    const namespace = `r${Math.random().toString(36).slice(2, 10)}`;
    const table = `outbox_${namespace}`;
    const pool = new Pool({ connectionString: postgresUrl });
    const box = outbox({ pool, table });
    const client = await connect({ brokers: { all: redisUrl }, namespace }, { drivers: [redisStreams] });
    const started: ChildProcess[] = [];
    const start = async (freezes: boolean): Promise<ChildProcess> => {
      const child = await startRelay({ postgresUrl, redisUrl, namespace, table, freezes });
      started.push(child);
      return child;
    };
    try {
      await box.migrate();
      const producer = box.producer(relaysQueue, pool);
      for (let n = 0; n < perKey; n++)
        await producer.sendMany(
          keys.map(() => n),
          (_, index) => ({ key: keys[index] }),
        );
      const seen = new Map<string, number[]>(keys.map((key) => [key, []]));
      const use = [idempotent({ store: createMemoryStore() })];
      const consumer = client.consumer(relaysQueue, { use, concurrency: 40 }, (n, { message }) => {
        seen.get(message.key ?? '')?.push(n);
      });
      await consumer.start();

      const frozen = await start(true);
      const holdsLane = `SELECT 1 FROM pg_stat_activity WHERE state = 'idle in transaction' AND query LIKE '%${table}%'`;
      await expect.poll(async () => (await pool.query(holdsLane)).rowCount, { timeout: 20_000 }).toBeGreaterThan(0);
      for (let deaths = 0; deaths < 3; deaths++) {
        const relay = await start(false);
        const before = (await box.inspect()).waiting;
        await expect
          .poll(async () => (await box.inspect()).waiting, { timeout: 20_000, interval: 5 })
          .toBeLessThan(before);
        await kill(relay);
      }
      await start(false);
      await expect.poll(async () => (await box.inspect()).waiting, { timeout: 60_000 }).toBe(0);
      // It sends what it had read, again: duplicates, which the consumer knows.
      frozen.kill('SIGCONT');
      const all = Array.from({ length: perKey }, (_, n) => n);
      await expect.poll(() => [...seen.values()].flat().length, { timeout: 30_000 }).toBe(keys.length * perKey);
      expect([...seen.values()]).toEqual(keys.map(() => all));
      await consumer.stop();
    } finally {
      await Promise.all(
        started.filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null).map(kill),
      );
      await client.remove([relaysQueue]);
      await client.close();
      await pool.end();
    }
  },
);
