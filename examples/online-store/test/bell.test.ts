import { getEventListeners } from 'node:events';
import { expect, test } from 'vitest';
import { Bell } from '../src/bell.ts';

const missing = (): string => 'the rest.';
const signal = new AbortController().signal;

test('wakes when the count is reached, and not before', async () => {
  const bell = new Bell();
  let count = 0;
  let woken = false;
  const waiting = bell.until(() => count >= 2, { missing, stallMs: 5000, signal }).then(() => (woken = true));
  count = 1;
  bell.ring();
  await Promise.resolve();
  expect(woken).toBe(false);
  count = 2;
  bell.ring();
  await waiting;
});

test('does not wait for what is done already', async () => {
  await expect(new Bell().until(() => true, { missing, stallMs: 5000, signal })).resolves.toBeUndefined();
});

test('gives up when nothing rings any more, and says what is missing', async () => {
  const waiting = new Bell().until(() => false, { missing, stallMs: 20, signal });
  await expect(waiting).rejects.toThrow('Nothing has happened for 0.02 s. Still missing: the rest.');
});

test('has patience as long as something rings', async () => {
  const bell = new Bell();
  let rings = 0;
  const timer = setInterval(() => {
    rings += 1;
    bell.ring();
  }, 10);
  await expect(bell.until(() => rings === 10, { missing, stallMs: 60, signal })).resolves.toBeUndefined();
  clearInterval(timer);
});

test('rejects with the reason of its signal, and leaves no listener', async () => {
  const controller = new AbortController();
  const waiting = new Bell().until(() => false, { missing, stallMs: 5000, signal: controller.signal });
  controller.abort(new Error('closed'));
  await expect(waiting).rejects.toThrow('closed');
  await expect(new Bell().until(() => true, { missing, stallMs: 1, signal: controller.signal })).rejects.toThrow(
    'closed',
  );
  expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
});
