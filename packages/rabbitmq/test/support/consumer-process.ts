// A process of its own, for a test that kills it: node … URL NAMESPACE. Prints the number of each message whose handler it starts.
import { connect, defineQueue } from '@anymq/core';
import { rabbitmq } from '@anymq/rabbitmq';

const [url = '', namespace = ''] = process.argv.slice(2);
const jobs = defineQueue<{ readonly n: number }>('jobs');
const mq = await connect({ brokers: { main: url }, namespace }, { drivers: [rabbitmq] });
const consumer = mq.consumer(jobs, { concurrency: 20 }, async ({ n }) => {
  process.stdout.write(`${n}\n`);
  // Every tenth runs until the process ends.
  if (n % 10 === 9) await new Promise(() => undefined);
});
await consumer.start();
