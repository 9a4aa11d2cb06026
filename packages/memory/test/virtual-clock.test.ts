import { createVirtualClock } from '@anymq/memory';
import { expect, test } from 'vitest';

test('timers fire in the order of their times, at their times, with promises settled between', async () => {
  const clock = createVirtualClock(1000);
  const seen: string[] = [];
  const note = (name: string): void => void seen.push(`${name}@${clock.now()}`);
  clock.setTimeout(() => note('late'), 30);
  clock.setTimeout(() => {
    note('early');
    void Promise.resolve().then(() => note('promise'));
    clock.setTimeout(() => note('nested'), 5);
  }, 10);
  clock.setTimeout(() => note('same'), 30);
  await clock.advance(29);
  expect(seen).toEqual(['early@1010', 'promise@1010', 'nested@1015']);
  expect([clock.now(), clock.pending, clock.nextTimerAt]).toEqual([1029, 2, 1030]);
  await clock.advance(1);
  expect(seen.slice(3)).toEqual(['late@1030', 'same@1030']);
});

test('a cleared timer never fires, and clearing twice or late does nothing', async () => {
  const clock = createVirtualClock();
  const fired: number[] = [];
  const cleared = clock.setTimeout(() => fired.push(1), 5);
  const kept = clock.setTimeout(() => fired.push(2), 6);
  clock.clearTimeout(cleared);
  clock.clearTimeout(cleared);
  clock.clearTimeout(undefined);
  await clock.advance(10);
  clock.clearTimeout(kept);
  expect([fired, clock.pending, clock.nextTimerAt]).toEqual([[2], 0, undefined]);
});

test('calls of advance are queued', async () => {
  const clock = createVirtualClock(0);
  const seen: number[] = [];
  clock.setTimeout(() => seen.push(clock.now()), 15);
  await Promise.all([clock.advance(10), clock.advance(10)]);
  expect([seen, clock.now()]).toEqual([[15], 20]);
});

test('a callback that throws rejects its advance, and the clock goes on', async () => {
  const clock = createVirtualClock(0);
  clock.setTimeout(() => {
    throw new RangeError('no');
  }, 1);
  await expect(clock.advance(5)).rejects.toThrow(RangeError);
  await clock.advance(5);
  expect(clock.pending).toBe(0);
});
