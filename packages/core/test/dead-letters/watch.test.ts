import { describe, expect, test, vi } from 'vitest';
import type { Count } from '../../src/inspection.ts';
import { failure } from '../config/fake-module.ts';
import { settle } from '../middleware/virtual-clock.ts';
import { leftOver, names, nothing, setUp } from './fake-store.ts';

test('alerts when the threshold is reached, and again only after it was below', async () => {
  const setting = setUp(['a']);
  const { clock, queue, store } = setting;
  const alerts: (number | null)[] = [];
  const stop = new AbortController();
  queue.watch({ everyMs: 1000, threshold: 3, signal: stop.signal }, ({ value }) => alerts.push(value));
  const countsAre = async (count: number): Promise<void> => {
    store.counted = { value: count, exact: false };
    await clock.advance(1000);
  };
  await settle();
  expect(alerts).toEqual([]);
  await countsAre(3);
  await countsAre(9);
  expect(alerts).toEqual([3]);
  await countsAre(2);
  await countsAre(3);
  expect(alerts).toEqual([3, 3]);
  stop.abort();
  await clock.advance(5000);
  expect(store.opened).toBe(5);
  expect(leftOver(setting)).toEqual(nothing);
});

test('looks at once, and then every minute', async () => {
  const { clock, queue, store } = setUp(['a']);
  const alert = vi.fn<(count: Count) => void>();
  queue.watch({}, alert);
  await settle();
  expect(alert).toHaveBeenCalledExactlyOnceWith({ value: 1, exact: true });
  await clock.advance(119_999);
  expect(store.opened).toBe(2);
});

test('ends with the client, and leaves no timer', async () => {
  const setting = setUp();
  setting.queue.watch({}, () => undefined);
  await settle();
  expect(setting.clock.pending).toBe(1);
  setting.client.abort();
  expect(leftOver(setting)).toEqual(nothing);
  expect(setting.watchErrors).toEqual([]);
});

test('ends while the store hangs, and tells nobody', async () => {
  const setting = setUp(names(3));
  setting.store.onCount = () => new Promise(() => undefined);
  const alert = vi.fn<(count: Count) => void>();
  setting.queue.watch({}, alert);
  await settle();
  setting.client.abort();
  await settle();
  expect(alert).not.toHaveBeenCalled();
  expect(setting.watchErrors).toEqual([]);
  expect(leftOver(setting)).toEqual(nothing);
});

describe('goes on after', () => {
  test('a failure of the store', async () => {
    const { clock, queue, store, watchErrors } = setUp(['a']);
    const alert = vi.fn<(count: Count) => void>();
    store.onCount = () => Promise.reject(new Error('raw'));
    queue.watch({ everyMs: 10 }, alert);
    await clock.advance(10);
    expect(watchErrors).toMatchObject([{ message: 'wrapped' }, { message: 'wrapped' }]);
    store.onCount = () => undefined;
    await clock.advance(10);
    expect(alert).toHaveBeenCalledTimes(1);
  });

  const alerts: readonly (readonly [string, () => unknown])[] = [
    [
      'throws',
      () => {
        throw new Error('own');
      },
    ],
    ['rejects', () => Promise.reject(new Error('own'))],
  ];
  test.each(alerts)('an alert that %s', async (_, alert) => {
    const { clock, queue, watchErrors } = setUp(['a']);
    queue.watch({ everyMs: 10 }, alert);
    await clock.advance(100);
    expect(watchErrors).toMatchObject([{ message: 'own' }]);
  });

  test('a broker that cannot count', async () => {
    const { clock, queue, store, watchErrors } = setUp();
    store.counted = { value: null, exact: false };
    queue.watch({ everyMs: 10 }, () => undefined);
    await clock.advance(5);
    expect(watchErrors).toMatchObject([{ code: 'UNSUPPORTED' }]);
  });
});

test.each([{ everyMs: 9 }, { everyMs: 2 ** 31 }, { threshold: 0 }, { threshold: 1.5 }, { every: 5 }])(
  '%j is refused',
  async (options) => {
    expect(await failure(() => setUp().queue.watch(options as never, () => undefined))).toMatchObject({
      code: 'INVALID_OPTION',
    });
  },
);

test('an alert that is no function is refused, and so is a closed client', async () => {
  const { queue, client } = setUp();
  expect(await failure(() => queue.watch({}, undefined as never))).toMatchObject({ code: 'INVALID_OPTION' });
  client.abort();
  expect(await failure(() => queue.watch({}, () => undefined))).toMatchObject({ code: 'CLOSED' });
});
