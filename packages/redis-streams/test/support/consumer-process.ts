// A process of its own, for a test that kills it: node … URL NAMESPACE. Prints the number of each message whose handler it starts.
import { connect, defineQueue } from '@anymq/core';
import { redisStreams } from '@anymq/redis-streams';

const [url = '', namespace = ''] = process.argv.slice(2);
const mq = await connect({ brokers: { main: url }, namespace }, { drivers: [redisStreams] });
const consumer = mq.consumer(defineQueue<number>('jobs'), { concurrency: 20, leaseMs: 2000 }, async (number) => {
  process.stdout.write(`${number}\n`);
  // Every tenth runs until the process ends.
  if (number % 10 === 9) await new Promise(() => undefined);
});
await consumer.start();
