import { afterAll, expect, test } from 'vitest';
import { Pauses } from '../src/pauses.ts';

const pauses = new Pauses();
afterAll(() => pauses.stop());

test('a pause counts as far as the process neither ran nor computed', async () => {
  const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 30));
  await turn();
  const from = Date.now();
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
  await turn();
  const paused = Date.now();
  expect(pauses.between(from, paused)).toBeGreaterThan(200);
  expect(pauses.between(from + 200, paused)).toBeLessThanOrEqual(paused - from - 200);
  expect(pauses.between(0, from - 1000)).toBe(0);
});

test('what the process computed for is no pause', () => {
  const before = process.cpuUsage();
  const computedMs = (): number => {
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000;
  };
  const from = Date.now();
  while (computedMs() < 200);
  const to = Date.now();
  expect(pauses.between(from, to)).toBeLessThanOrEqual(to - from - 190);
});
