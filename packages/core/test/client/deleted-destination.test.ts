import { createMemoryBroker, createMemoryDriver } from '@anymq/memory';
import { expect, test } from 'vitest';
import { createClient, defineQueue } from '../../src/index.ts';
import { failure } from '../config/fake-module.ts';

test('a destination that another deleted is made again by the send that did not find it, for the next', async () => {
  const broker = createMemoryBroker();
  const jobs = defineQueue<string>('jobs');
  await using mq = await createClient(createMemoryDriver({ broker }));
  await using other = await createClient(createMemoryDriver({ broker }));
  const producer = mq.producer(jobs);
  await producer.send('a');
  await other.remove([jobs]);
  const all = await Promise.all([failure(() => producer.send('b')), failure(() => producer.send('c'))]);
  for (const error of all) expect(error).toMatchObject({ code: 'NOT_FOUND', outcome: 'not-sent' });
  await producer.send('d');
  expect((await mq.inspect(jobs)).backlog.value).toBe(1);
});
