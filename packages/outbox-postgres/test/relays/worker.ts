// A relay in a process of its own, until it is killed, or until the test that started it has ended.
import { connect, defineQueue, type Codec } from '@anymq/core';
import { outbox } from '@anymq/outbox-postgres';
import { redisStreams } from '@anymq/redis-streams';
import { Pool } from 'pg';
import { relaysQueue, variable, type RelayProcess } from './settings.ts';

const { postgresUrl, redisUrl, namespace, table, freezes } = JSON.parse(process.env[variable] ?? '') as RelayProcess;
const pool = new Pool({ connectionString: postgresUrl });
// Connections that the server ends, when this was frozen.
pool.on('error', () => undefined);

let hasFrozen = false;
/** The relay reads a message when it has its lane, and has not sent it. */
function freeze(): void {
  if (!freezes || hasFrozen) return;
  hasFrozen = true;
  process.kill(process.pid, 'SIGSTOP');
}

const codec: Codec<number> = {
  ...relaysQueue.codec,
  decode(bytes) {
    freeze();
    return relaysQueue.codec.decode(bytes);
  },
};
const client = await connect({ brokers: { all: redisUrl }, namespace }, { drivers: [redisStreams] });
const destinations = [defineQueue('relayed', { codec, ordering: 'key', key: () => undefined })];
await outbox({ pool, table }).relay(client, { destinations, pollMs: 50, batchSize: 5, timeoutMs: 1000 }).start();
process.stdout.write('ready\n');

// Its other end is the test: when that is gone, so is this.
process.stdin.resume();
process.stdin.on('end', () => process.exit());
