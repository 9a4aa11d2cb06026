import type { Driver } from '@anymq/core/driver';
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

test('what a settlement does not find, such as the dead letters, is made again', async () => {
  const missing = new Error('it was deleted');
  const inner = createMemoryDriver() as Driver;
  let provisions = 0;
  const overrides: Partial<Driver> = {
    provision: (...rest) => {
      provisions += 1;
      return inner.provision(...rest);
    },
    async openReceiver(...rest) {
      const receiver = await inner.openReceiver(...rest);
      const settleBatch: typeof receiver.settleBatch = (items) =>
        provisions === 1
          ? Promise.resolve(items.map(() => ({ ok: false, reason: 'error', error: missing })))
          : receiver.settleBatch(items);
      return bending(receiver, { settleBatch });
    },
    classifyError: (error) =>
      error === missing ? { code: 'NOT_FOUND', retryable: false, outcome: 'not-sent' } : inner.classifyError(error),
  };
  const jobs = defineQueue<string>('jobs');
  const dead = Promise.withResolvers<string>();
  await using mq = await createClient(bending(inner, overrides), {
    onEvent: (event) => event.type === 'dead-letter' && dead.resolve(event.id),
  });
  await mq.producer(jobs).send('a', { id: 'a' });
  const fails = (): never => {
    throw new Error('fails');
  };
  await mq.consumer(jobs, { retry: false }, fails).start();
  expect(await dead.promise).toBe('a');
  expect(provisions).toBe(2);
});

/** The same, but for these of its methods. */
function bending<T extends object>(whole: T, overrides: Partial<T>): T {
  return new Proxy(whole, {
    get(target, name) {
      const found: unknown = Reflect.get(overrides, name) ?? Reflect.get(target, name);
      return typeof found === 'function' ? (found.bind(target) as unknown) : found;
    },
  });
}
