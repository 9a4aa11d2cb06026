import { describe, expect, test } from 'vitest';
import type { RedriveResult } from '../../src/dead-letter-types.ts';
import { ending, settle } from '../middleware/virtual-clock.ts';
import { leftOver, names, nothing, setUp } from './fake-store.ts';

test('sends all back, in order, and tells its progress', async () => {
  const setting = setUp(names(250));
  const progress: RedriveResult[] = [];
  const result = await setting.queue.redrive({ onProgress: (done) => progress.push(done) });
  expect(result).toEqual({ redriven: 250, skipped: 0, failed: 0 });
  expect(setting.store.requeued.map(({ id }) => id)).toEqual(names(250));
  expect(setting.store.letters).toEqual([]);
  expect(progress.map(({ redriven }) => redriven)).toEqual([100, 200, 250]);
  expect(leftOver(setting)).toEqual(nothing);
});

test('keeps to the batches of the driver', async () => {
  const { queue, store } = setUp(names(25), { maxBatchMessages: 10 });
  expect((await queue.redrive()).redriven).toBe(25);
  expect(store.requeueSizes).toEqual([10, 10, 5]);
});

describe('only those present at the start', () => {
  test('by the count, when it is exact', async () => {
    const { queue, store } = setUp(['a', 'b']);
    store.onRequeue = (letters) => letters.forEach(({ id }) => store.add(id));
    store.counted = { value: 1, exact: true };
    expect((await queue.redrive()).redriven).toBe(1);
  });

  test('by the time of the last failure: what fails again is left', async () => {
    const { clock, queue, store } = setUp(names(150));
    store.counted = { value: 3, exact: false };
    store.onRequeue = (letters) =>
      letters.forEach(({ id }) => store.add(`${id}-again`, { lastFailedAt: clock.now() + 1 }));
    expect(await queue.redrive()).toEqual({ redriven: 150, skipped: 0, failed: 0 });
    expect(store.letters).toHaveLength(150);
  });

  test('one of this very millisecond is present', async () => {
    const { clock, queue, store } = setUp();
    store.add('a', { lastFailedAt: clock.now() });
    expect((await queue.redrive()).redriven).toBe(1);
  });

  test('none: nothing is read', async () => {
    const { queue, store } = setUp();
    expect(await queue.redrive()).toEqual({ redriven: 0, skipped: 0, failed: 0 });
    expect(store.pageLimits).toEqual([]);
  });
});

describe('the choice', () => {
  test('by ids and where together; the others are skipped', async () => {
    const { queue, store } = setUp(['a', 'b', 'c', 'd']);
    store.add('e', { name: 'TimeoutError' });
    store.add('f', { name: 'TimeoutError' });
    const result = await queue.redrive({
      ids: ['a', 'e', 'nope'],
      where: ({ reason }) => reason.name === 'TimeoutError',
    });
    expect(result).toEqual({ redriven: 1, skipped: 5, failed: 0 });
    expect(store.requeued.map(({ id }) => id)).toEqual(['e']);
  });

  test('up to the limit, and reads no further page', async () => {
    const { queue, store } = setUp(names(300));
    expect(await queue.redrive({ limit: 3, where: ({ id }) => id !== 'm-0' })).toEqual({
      redriven: 3,
      skipped: 1,
      failed: 0,
    });
    expect(store.requeued.map(({ id }) => id)).toEqual(['m-1', 'm-2', 'm-3']);
    expect(store.pageLimits).toHaveLength(1);
    expect(await queue.redrive({ limit: 0 })).toEqual({ redriven: 0, skipped: 0, failed: 0 });
  });

  test('a dry run counts and moves nothing, without waiting', async () => {
    const { queue, store } = setUp(['a', 'b', 'a', 'c']);
    const options = { dryRun: true, ratePerSecond: 0.001, where: ({ id }: { readonly id: string }) => id !== 'c' };
    expect(await queue.redrive(options)).toEqual({ redriven: 2, skipped: 1, failed: 0 });
    expect(store.letters).toHaveLength(4);
  });

  test('what where throws ends it', async () => {
    const setting = setUp(['a']);
    const where = (): boolean => {
      throw new Error('own');
    };
    await expect(setting.queue.redrive({ where })).rejects.toThrow('own');
    expect(leftOver(setting)).toEqual(nothing);
  });
});

describe('two letters of one id', () => {
  test('one is sent back, the other removed, also on another page', async () => {
    const { queue, store } = setUp(['a', 'a', ...names(150), 'a']);
    expect(await queue.redrive()).toEqual({ redriven: 151, skipped: 0, failed: 0 });
    expect(store.requeued.filter(({ id }) => id === 'a')).toHaveLength(1);
    expect(store.letters).toEqual([]);
  });

  test('both stay when the first is not chosen, or could not be moved', async () => {
    const { queue, store } = setUp(['a', 'a', 'b', 'b']);
    store.result = () => ({ ok: false, reason: 'error' });
    expect(await queue.redrive({ ids: ['b'] })).toEqual({ redriven: 0, skipped: 1, failed: 1 });
    expect(store.letters).toHaveLength(4);
  });

  test('one that could not be removed is a failure', async () => {
    const { queue, store } = setUp(['a', 'a']);
    store.result = (_, change) => (change === 'requeue' ? { ok: true } : { ok: false, reason: 'error' });
    expect(await queue.redrive()).toEqual({ redriven: 1, skipped: 0, failed: 1 });
  });
});

describe('what fails', () => {
  test('is counted and left, and the rest goes on', async () => {
    const { queue, store } = setUp(['a', 'b', 'c']);
    store.result = ({ id }) => (id === 'b' ? { ok: false, reason: 'error' } : { ok: true });
    expect(await queue.redrive()).toEqual({ redriven: 2, skipped: 0, failed: 1 });
    expect(store.letters.map(({ id }) => id)).toEqual(['b']);
  });

  test('as a whole batch too', async () => {
    const { queue, store } = setUp(names(150));
    store.onRequeue = (letters) => (letters.length === 100 ? Promise.reject(new Error('raw')) : undefined);
    expect(await queue.redrive()).toEqual({ redriven: 50, skipped: 0, failed: 100 });
  });

  test('what somebody else took away is skipped', async () => {
    const { queue, store } = setUp(['a', 'b']);
    store.result = ({ id }) => (id === 'a' ? { ok: false, reason: 'lost' } : { ok: true });
    expect(await queue.redrive()).toEqual({ redriven: 1, skipped: 1, failed: 0 });
  });

  test('a page that cannot be read rejects', async () => {
    const setting = setUp(['a']);
    setting.store.onPage = () => Promise.reject(new Error('raw'));
    await expect(setting.queue.redrive()).rejects.toMatchObject({ message: 'wrapped' });
    expect(leftOver(setting)).toEqual(nothing);
  });
});

describe('aborted', () => {
  test('while it waits for its rate: resolves with what was done', async () => {
    const setting = setUp(names(10));
    const stop = new AbortController();
    const done = ending(setting.queue.redrive({ ratePerSecond: 1, signal: stop.signal }));
    await setting.clock.advance(2500);
    stop.abort();
    expect(await done).toEqual({ value: { redriven: 3, skipped: 0, failed: 0 } });
    expect(leftOver(setting)).toEqual(nothing);
  });

  test('before it began, and while a page hangs', async () => {
    const setting = setUp(names(10));
    const zero = { redriven: 0, skipped: 0, failed: 0 };
    expect(await setting.queue.redrive({ signal: AbortSignal.abort() })).toEqual(zero);
    const stop = new AbortController();
    setting.store.onPage = () => new Promise(() => undefined);
    const done = ending(setting.queue.redrive({ signal: stop.signal }));
    await settle();
    stop.abort();
    expect(await done).toEqual({ value: zero });
    expect(leftOver(setting)).toEqual(nothing);
  });

  test('while a batch is moved: the batch is waited for and counted', async () => {
    const setting = setUp(names(150));
    const stop = new AbortController();
    setting.store.onRequeue = () => stop.abort();
    expect(await setting.queue.redrive({ signal: stop.signal })).toEqual({ redriven: 100, skipped: 0, failed: 0 });
  });

  test('by the client: CLOSED', async () => {
    const setting = setUp(names(10));
    const done = ending(setting.queue.redrive({ ratePerSecond: 1 }));
    await setting.clock.advance(2500);
    setting.client.abort();
    expect(await done).toEqual({ error: expect.objectContaining({ code: 'CLOSED' }) });
    expect(leftOver(setting)).toEqual(nothing);
  });
});

describe('the rate', () => {
  /** When each letter was sent back, with calls to the store that take `callMs`. */
  async function timesOf(ratePerSecond: number, count: number, callMs = 0): Promise<readonly number[]> {
    const { clock, queue, store } = setUp(names(count));
    const startedAt = clock.now();
    const times: number[] = [];
    store.onRequeue = (letters) => {
      times.push(...letters.map(() => clock.now() - startedAt));
      return callMs === 0 ? undefined : new Promise<void>((resolve) => clock.setTimeout(resolve, callMs));
    };
    const done = queue.redrive({ ratePerSecond });
    while (times.length < count) await clock.advance(1000);
    await clock.advance(callMs);
    expect((await done).redriven).toBe(count);
    return times;
  }

  test.each([
    [1, 5, 0],
    [7, 40, 0],
    [10, 100, 20],
    [24, 240, 30],
    [25, 250, 30],
    [60, 600, 40],
    [333, 2000, 25],
    [1000, 5000, 30],
  ])('of %d a second bounds any second, and is reached', async (rate, count, callMs) => {
    const times = await timesOf(rate, count, callMs);
    const tooMany = times.filter((time, index) => (times[index + rate] ?? Infinity) - time < 1000);
    expect(tooMany).toEqual([]);
    expect((times.at(-1) ?? 0) / 1000).toBeLessThanOrEqual(((count - 1) / rate) * 1.05);
  });

  test('below one a second', async () => {
    expect(await timesOf(0.5, 3)).toEqual([0, 2000, 4000]);
  });

  test('waits with one timer, and not busily', async () => {
    const { clock, queue } = setUp(names(3));
    const done = queue.redrive({ ratePerSecond: 0.1 });
    await clock.advance(1);
    expect(clock.pending).toBe(1);
    await clock.advance(20_000);
    expect((await done).redriven).toBe(3);
    expect(clock.pending).toBe(0);
  });
});

test.each([{ limit: -1 }, { limit: 0.5 }, { ratePerSecond: 0 }, { ratePerSecond: Number.NaN }, { rate: 5 }])(
  '%j is refused',
  async (options) => {
    await expect(setUp().queue.redrive(options)).rejects.toMatchObject({ code: 'INVALID_OPTION' });
  },
);
