// A consumer in a process of its own: node member.ts URL NAMESPACE. It says 'ready', starts when it is told 'go', says how
// many it has handled while that changes, and ends when it is told 'stop'.
import { setTimeout as wait } from 'node:timers/promises';
import { connect } from '@anymq/core';
import { handlerMs, memberConcurrency, membersQueue } from './members.ts';

const everyMs = 20;
const [url = '', namespace = ''] = process.argv.slice(2);

const client = await connect({ brokers: { main: url }, namespace });
let handled = 0;
let told = 0;
const consumer = client.consumer(membersQueue, { concurrency: memberConcurrency }, async () => {
  await wait(handlerMs);
  handled += 1;
});
const timer = setInterval(() => {
  if (handled > told) process.send?.({ handled });
  told = handled;
}, everyMs);

process.on('message', (message) => {
  if (message === 'go') void consumer.start();
  else void end();
});
process.send?.('ready');

async function end(): Promise<void> {
  clearInterval(timer);
  await client.close();
  process.disconnect();
}
