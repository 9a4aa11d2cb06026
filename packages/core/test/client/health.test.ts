import { createMemoryBroker, createMemoryDriver, createVirtualClock } from '@anymq/memory';
import { expect, test } from 'vitest';
import { AnymqError, createClient, defineQueue, defineTopic } from '../../src/index.ts';

interface Job {
  readonly n: number;
  readonly k: string;
}

test('a partition that waits because too much of it is held is named by inspect and check', async () => {
  const jobs = defineQueue<Job>('jobs', { key: ({ k }) => k, ordering: 'key', partitions: 1 });
  const waits = Promise.withResolvers<unknown>();
  await using mq = await createClient(createMemoryDriver(), {
    onEvent: (event) => event.type === 'partition-waits' && waits.resolve(event),
  });
  const gate = Promise.withResolvers<void>();
  const consumer = mq.consumer(jobs, { maxHeld: 3, concurrency: 2 }, () => gate.promise);
  await consumer.start();
  await mq.producer(jobs).sendMany(Array.from({ length: 20 }, (_, n) => ({ n, k: 'slow' })));
  expect(await waits.promise).toMatchObject({ type: 'partition-waits', destination: 'jobs', partition: 0 });
  expect((await mq.inspect(jobs)).waitingPartitions).toEqual([0]);
  expect((await mq.check()).warnings).toEqual([expect.stringMatching(/Partition 0 of jobs waits/)]);
  gate.resolve();
  await consumer.stop();
});

test('a message near the end of its retention is warned of', async () => {
  const clock = createVirtualClock();
  const news = defineTopic<string>('news', { groups: ['web'], retentionMs: 60_000 });
  await using mq = await createClient(createMemoryDriver({ broker: createMemoryBroker({ clock }) }), { clock });
  const consumer = mq.consumer(news, { group: 'web' }, () => undefined);
  await consumer.start();
  consumer.pause();
  await mq.producer(news).send('old');
  expect((await mq.check()).warnings).toEqual([]);
  await clock.advance(50_000);
  expect((await mq.check()).warnings).toEqual([expect.stringMatching(/news \(web\) is 50000 ms old/)]);
  consumer.resume();
});

test('messages carry the namespace of their driver as their source', async () => {
  const jobs = defineQueue<string>('jobs');
  await using mq = await createClient(createMemoryDriver({ namespace: 'staging' }));
  const source = Promise.withResolvers<string>();
  await mq.consumer(jobs, {}, (_, delivery) => source.resolve(delivery.message.source)).start();
  await mq.producer(jobs).send('x');
  expect(await source.promise).toBe('/staging');
});

test('a consumer that has ended is told of until another of its destination and group is made', async () => {
  const driver = createMemoryDriver();
  let isRefused = true;
  const refusing: typeof driver = {
    ...driver,
    async openReceiver(...given) {
      if (isRefused) throw new AnymqError('ACCESS_DENIED', 'Not you.');
      return driver.openReceiver(...given);
    },
  };
  const jobs = defineQueue<string>('jobs');
  await using mq = await createClient(refusing);
  const states = async (): Promise<unknown> => {
    const { ok, consumers } = await mq.check();
    return [ok, consumers.map(({ state }) => state)];
  };
  const refused = mq.consumer(jobs, {}, () => undefined);
  await expect(refused.start()).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
  expect(refused.state).toBe('failed');
  expect(await states()).toEqual([false, ['failed']]);
  isRefused = false;
  const other = mq.consumer(jobs, {}, () => undefined);
  await other.start();
  expect(await states()).toEqual([true, ['running']]);
  await other.stop();
  expect(await states()).toEqual([true, ['stopped']]);
  mq.consumer(jobs, {}, () => undefined);
  expect(await states()).toEqual([true, ['idle']]);
});
