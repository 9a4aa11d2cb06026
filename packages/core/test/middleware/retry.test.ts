import { expect, test, vi } from 'vitest';
import { retry } from '../../src/middleware/retry.ts';
import { retryLater } from '../../src/outcome.ts';
import { fakeDelivery } from './fake-delivery.ts';
import { ending, VirtualClock } from './virtual-clock.ts';

const failing = (times: number) => {
  let runs = 0;
  return vi.fn(async () => {
    runs += 1;
    if (runs <= times) throw new Error(`failure ${runs}`);
  });
};

test('runs again after the backoff, and succeeds', async () => {
  const clock = new VirtualClock();
  const handler = failing(2);
  const delays: number[] = [];
  const backoff = (attempt: number): number => (delays.push(attempt), attempt * 100);
  const done = retry({ maxAttempts: 3, backoff, clock })(handler)('body', fakeDelivery());
  await clock.advance(99);
  expect(handler).toHaveBeenCalledTimes(1);
  await clock.advance(201);
  await expect(done).resolves.toBeUndefined();
  expect(handler).toHaveBeenCalledTimes(3);
  expect(delays).toEqual([1, 2]);
  expect(clock.pending).toBe(0);
});

test('throws the last error after the last attempt', async () => {
  const clock = new VirtualClock();
  const done = ending(retry({ maxAttempts: 2, clock, random: () => 0.5 })(failing(9))('body', fakeDelivery()));
  await clock.advance(50);
  expect(await done).toMatchObject({ error: { message: 'failure 2' } });
});

test('an outcome is no failure, and a success reads no signal', async () => {
  const delivery = fakeDelivery();
  const later = retryLater(5);
  expect(await retry({ maxAttempts: 3 })(async () => later)('body', delivery)).toBe(later);
  expect(delivery.signalsMade).toBe(0);
});

test('the signal ends the wait', async () => {
  const clock = new VirtualClock();
  const delivery = fakeDelivery();
  const handler = failing(9);
  const done = ending(retry({ maxAttempts: 5, backoff: () => 1e12, clock })(handler)('body', delivery));
  await clock.advance(1000);
  delivery.abort(new Error('lost'));
  expect(await done).toMatchObject({ error: { message: 'failure 1' } });
  expect(handler).toHaveBeenCalledTimes(1);
  expect(clock.pending).toBe(0);
});

test.each([{ maxAttempts: 0 }, { maxAttempts: 1.5 }, {}, { maxAttempts: 2, attempts: 3 }])(
  '%j is refused',
  (options) => {
    expect(() => retry(options as never)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }));
  },
);
