// What size.mjs runs on its bundle of core: connects by a URL, sends, consumes what succeeds, what fails once and what
// becomes a dead letter, and stops.
const { connect, defineQueue } = await import(String(new URL('core.mjs', import.meta.url)));
const { deadLettered } = await import(import.meta.resolve('@anymq/memory'));

const jobs = defineQueue('jobs');
const client = await connect('memory:');
const consumer = client.consumer(
  jobs,
  { retry: { maxAttempts: 2, backoff: () => 0 } },
  async (/** @type {unknown} */ body) => {
    if (body === 'bad') throw new Error('bad');
  },
);
await consumer.start();
const producer = client.producer(jobs);
await producer.sendMany(['good', 'better']);
await producer.send('bad');
await deadLettered.promise;
await consumer.stop();
await client.close();
