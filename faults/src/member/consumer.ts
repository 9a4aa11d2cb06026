// A process that consumes both destinations and notes each effect.
import { setTimeout as delay } from 'node:timers/promises';
import { connect, exponential } from '@anymq/core';
import type { Delivery } from '@anymq/core';
import { placeOf } from '../drivers.ts';
import { note } from '../ledger.ts';
import { maxAttempts, ordered, plain } from '../work.ts';
import type { Work } from '../work.ts';
import { shown, talkative } from './log.ts';
import { measure } from './measure.ts';
import { readOptions, report, tell } from './orders.ts';
import type { Order } from './orders.ts';

const options = readOptions();
let prank: Order | undefined;

const mq = await connect({ brokers: { main: placeOf(options.url) }, namespace: options.namespace }, talkative);
const consumers = [plain, ordered].map((destination) =>
  mq.consumer(
    destination,
    {
      concurrency: 16,
      leaseMs: options.leaseMs,
      retry: { maxAttempts, backoff: exponential({ initialMs: 50, maxMs: 200 }) },
    },
    handle,
  ),
);

process.on('message', (order: Order) => {
  if (order.do === 'stop') void stop();
  else if (order.do === 'measure') void measure().then((holdings) => tell({ is: 'measured', holdings }));
  else prank = order;
});
process.on('disconnect', () => process.exit());
for (const consumer of consumers)
  consumer.finished.catch((error: unknown) => {
    process.stderr.write(`finished: ${shown(error)}\n`);
    process.exit(3);
  });

await Promise.all(consumers.map((consumer) => consumer.start()));
report('ready');

async function handle({ key, sequence, fate }: Work, { message, attempt }: Delivery): Promise<void> {
  await delay(2 + (sequence % 5));
  await playPrank();
  if (fate === 'poison' || (fate === 'flaky' && attempt === 1)) throw new Error(`fate of ${message.id}`);
  note(options.ledger, {
    what: 'effect',
    id: message.id,
    key,
    sequence,
    at: Date.now(),
    attempt,
    process: process.pid,
  });
}

/** What a handler does that goes wrong, once for each order. */
async function playPrank(): Promise<void> {
  const order = prank;
  prank = undefined;
  if (order?.do === 'block') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, order.ms);
  else if (order?.do === 'reject') void Promise.reject(new Error('nobody handles this'));
  else if (order?.do === 'devour')
    for (const held: unknown[] = []; ;) held.push(Array.from({ length: 1e5 }, () => ({})));
}

async function stop(): Promise<void> {
  await mq.close({ deadlineMs: 5000 });
  process.disconnect();
}
