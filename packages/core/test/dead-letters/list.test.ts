import { expect, test } from 'vitest';
import { failure } from '../config/fake-module.ts';
import { deferred, ending, settle } from '../middleware/virtual-clock.ts';
import { idsOf, leftOver, names, nothing, setUp } from './fake-store.ts';

const code = (value: string) => expect.objectContaining({ code: value });

test('shows letters oldest first, page by page, and uses up nothing', async () => {
  const setting = setUp(names(250));
  expect(await idsOf(setting.queue.list())).toEqual(names(250));
  expect(setting.store.pageLimits).toEqual([100, 100, 100]);
  expect(await setting.queue.count()).toEqual({ value: 250, exact: true });
  expect(leftOver(setting)).toEqual(nothing);
});

test('shows a letter whole', async () => {
  const { queue, store } = setUp();
  store.add('a', { code: 'TIMEOUT', stack: 'at …', firstFailedAt: 5, lastFailedAt: 7, group: 'website' });
  const letters = [];
  for await (const letter of queue.list()) letters.push(letter);
  expect(letters).toEqual([
    {
      id: 'a',
      body: new TextEncoder().encode('a'),
      headers: { h: 'a' },
      reason: { name: 'Error', code: 'TIMEOUT', message: 'failure of a', stack: 'at …' },
      attempts: 5,
      firstFailedAt: new Date(5),
      lastFailedAt: new Date(7),
      destination: 'orders',
      group: 'website',
    },
  ]);
});

test('reads no page before it is needed, and again for each iteration', async () => {
  const setting = setUp(names(3));
  const letters = setting.queue.list({ limit: 2 });
  expect(setting.store.opened).toBe(0);
  expect(await idsOf(letters)).toEqual(['m-0', 'm-1']);
  expect(await idsOf(letters)).toEqual(['m-0', 'm-1']);
  expect(setting.store.pageLimits).toEqual([2, 2]);
  expect(leftOver(setting)).toEqual(nothing);
});

test('shows each id once, and fills the limit with others', async () => {
  const { queue } = setUp(['a', 'b', 'a', 'b', 'c', 'a']);
  expect(await idsOf(queue.list({ limit: 3 }))).toEqual(['a', 'b', 'c']);
  expect(await idsOf(queue.list({ limit: 0 }))).toEqual([]);
});

test('an iteration that ends early closes the store', async () => {
  const setting = setUp(names(3));
  for await (const letter of setting.queue.list()) if (letter.id === 'm-1') break;
  expect(leftOver(setting)).toEqual(nothing);
});

test('the signal ends it with ABORTED, also between the letters of a page and while a page hangs', async () => {
  const setting = setUp(names(3));
  const early = new AbortController();
  const seen: string[] = [];
  const read = async (): Promise<void> => {
    for await (const { id } of setting.queue.list({ signal: early.signal })) {
      seen.push(id);
      early.abort();
    }
  };
  await expect(read()).rejects.toEqual(code('ABORTED'));
  expect(seen).toEqual(['m-0']);

  const late = new AbortController();
  setting.store.onPage = () => new Promise(() => undefined);
  const hanging = ending(idsOf(setting.queue.list({ signal: late.signal })));
  await settle();
  late.abort();
  expect(await hanging).toEqual({ error: code('ABORTED') });
  await expect(idsOf(setting.queue.list({ signal: late.signal }))).rejects.toEqual(code('ABORTED'));
  expect(leftOver(setting)).toEqual(nothing);
});

test('a client that closes ends everything with CLOSED; a store that opens later is closed', async () => {
  const opening = deferred();
  const inner = setUp(['a']);
  const setting = setUp(['a'], {
    openStore: () => opening.promise.then(() => inner.store.open()),
    signal: inner.client.signal,
  });
  const [listing, counting] = [ending(idsOf(setting.queue.list())), ending(setting.queue.count())];
  await settle();
  inner.client.abort();
  expect(await Promise.all([listing, counting])).toEqual([{ error: code('CLOSED') }, { error: code('CLOSED') }]);
  opening.resolve();
  await settle();
  expect(inner.store).toMatchObject({ opened: 2, closed: 2 });
  await expect(inner.queue.count()).rejects.toEqual(code('CLOSED'));
  await expect(inner.queue.redrive()).rejects.toEqual(code('CLOSED'));
  await expect(inner.queue.purge()).rejects.toEqual(code('CLOSED'));
});

test('what the store throws is wrapped once, and the store is closed', async () => {
  const setting = setUp(['a']);
  setting.store.onPage = () => Promise.reject(new Error('raw'));
  await expect(idsOf(setting.queue.list())).rejects.toMatchObject({ code: 'NOT_CONNECTED', message: 'wrapped' });
  setting.store.onCount = () => Promise.reject(new Error('raw'));
  await expect(setting.queue.count()).rejects.toMatchObject({ message: 'wrapped' });
  expect(leftOver(setting)).toEqual(nothing);
  const closed = setUp([], { openStore: () => Promise.reject(new Error('raw')) });
  await expect(closed.queue.count()).rejects.toMatchObject({ message: 'wrapped' });
});

test('a store that closes badly changes no result, and is told of', async () => {
  const { store, queue, closeErrors } = setUp(['a']);
  store.onClose = () => Promise.reject(new Error('raw'));
  await expect(queue.count()).resolves.toEqual({ value: 1, exact: true });
  expect(closeErrors).toMatchObject([{ message: 'wrapped' }]);
});

test.each([{ limit: -1 }, { limit: 1.5 }, { limt: 5 }])('%j is refused at once', async (options) => {
  expect(await failure(() => setUp().queue.list(options))).toMatchObject({ code: 'INVALID_OPTION' });
});
