import { getEventListeners } from 'node:events';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Bell } from '../src/bell.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const missing = (): string => 'the rest.';
const signal = new AbortController().signal;

test('wakes when the count is reached, and not before', async () => {
  const bell = new Bell();
  let count = 0;
  let woken = false;
  const waiting = bell.until(() => count >= 2, { missing, patienceMs: 5000, signal }).then(() => (woken = true));
  count = 1;
  bell.ring();
  await Promise.resolve();
  expect(woken).toBe(false);
  count = 2;
  bell.ring();
  await waiting;
});

test('does not wait for what is done already', async () => {
  await expect(new Bell().until(() => true, { missing, patienceMs: 5000, signal })).resolves.toBeUndefined();
});

test('gives up when nothing rings any more, and says what is missing', async () => {
  const waiting = new Bell().until(() => false, { missing, patienceMs: 2000, signal });
  const message = 'Nothing has happened for 2 s. Still missing: the rest.';
  await Promise.all([expect(waiting).rejects.toThrow(message), vi.advanceTimersByTimeAsync(2000)]);
});

test('has patience as long as something rings', async () => {
  const bell = new Bell();
  let rings = 0;
  const waiting = bell.until(() => rings === 3, { missing, patienceMs: 2000, signal });
  for (rings = 1; rings < 3; rings += 1) {
    await vi.advanceTimersByTimeAsync(1900);
    bell.ring();
  }
  bell.ring();
  await expect(waiting).resolves.toBeUndefined();
  expect(vi.getTimerCount()).toBe(0);
});

test('rejects with the reason of its signal, and leaves no listener', async () => {
  const controller = new AbortController();
  const waiting = new Bell().until(() => false, { missing, patienceMs: 5000, signal: controller.signal });
  controller.abort(new Error('closed'));
  await expect(waiting).rejects.toThrow('closed');
  await expect(new Bell().until(() => true, { missing, patienceMs: 1, signal: controller.signal })).rejects.toThrow(
    'closed',
  );
  expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
});
