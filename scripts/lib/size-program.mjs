// What size.mjs runs on its bundle of core: connects by a URL, sends, consumes, and stops. With 'some fail' a message is
// also retried and becomes a dead letter.
const { connect, defineQueue } = await import(String(new URL('core.mjs', import.meta.url)));
const { deadLettered, settled } = await import(import.meta.resolve('@anymq/memory'));

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
if (process.argv[2] === 'some fail') {
  await producer.send('bad');
  await deadLettered.promise;
} else {
  await producer.send('best');
  await settled(3);
}
await consumer.stop();
await client.close();
