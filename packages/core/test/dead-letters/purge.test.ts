import { expect, test } from 'vitest';
import { leftOver, names, nothing, setUp } from './fake-store.ts';

test('removes all, page by page', async () => {
  const setting = setUp(names(250));
  expect(await setting.queue.purge()).toEqual({ purged: 250 });
  expect(setting.store).toMatchObject({ letters: [], requeued: [] });
  expect(leftOver(setting)).toEqual(nothing);
});

test('removes the chosen ones alone', async () => {
  const { clock, queue, store } = setUp();
  store.add('old-a', { lastFailedAt: clock.now() - 5000 });
  store.add('old-b', { lastFailedAt: clock.now() - 5000 });
  store.add('new-a', { lastFailedAt: clock.now() - 4999 });
  expect(await queue.purge({ olderThanMs: 5000, where: ({ id }) => id.endsWith('a') })).toEqual({ purged: 1 });
  expect(await queue.purge({ ids: ['new-a', 'nope'] })).toEqual({ purged: 1 });
  expect(store.letters.map(({ id }) => id)).toEqual(['old-b']);
});

test('counts a letter that is there twice once', async () => {
  const { queue, store } = setUp(['a', 'a', ...names(120), 'a']);
  expect(await queue.purge()).toEqual({ purged: 121 });
  expect(store.letters).toEqual([]);
});

test('removes no more than were there, where the count is exact', async () => {
  const { queue, store } = setUp(['a', 'b']);
  store.counted = { value: 1, exact: true };
  expect(await queue.purge()).toEqual({ purged: 1 });
  store.counted = { value: 0, exact: false };
  expect(await queue.purge()).toEqual({ purged: 1 });
});

test('does not count what stays', async () => {
  const { queue, store } = setUp(['a', 'b', 'c']);
  store.result = ({ id }) => (id === 'a' ? { ok: true } : { ok: false, reason: id === 'b' ? 'lost' : 'error' });
  expect(await queue.purge()).toEqual({ purged: 1 });
});

test('rejects when the store fails, and closes it', async () => {
  const setting = setUp(['a']);
  setting.store.result = () => {
    throw new Error('raw');
  };
  await expect(setting.queue.purge()).rejects.toMatchObject({ message: 'wrapped' });
  expect(leftOver(setting)).toEqual(nothing);
});

test.each([{ olderThanMs: -1 }, { olderThanMs: '5' }, { limit: 5 }])('%j is refused', async (options) => {
  await expect(setUp().queue.purge(options as never)).rejects.toMatchObject({ code: 'INVALID_OPTION' });
});
