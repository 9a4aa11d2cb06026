import { expect, test } from 'vitest';
import { partNames, partOf } from '../src/micro/parts.ts';
import { bytesByPart, timeByPart } from '../src/micro/profile.ts';

const core = 'file:///somewhere/packages/core/src';

test.each([
  [`${core}/codec.ts`, 'codec and wire'],
  [`${core}/wire-values.ts`, 'codec and wire'],
  [`${core}/produce/build-message.ts`, 'codec and wire'],
  [`${core}/produce/batcher.ts`, 'batching'],
  [`${core}/middleware/idempotent.ts`, 'middleware'],
  [`${core}/consume/lanes.ts`, 'lanes'],
  [`${core}/consume/settler.ts`, 'settle'],
  [`${core}/consume/desk.ts`, 'fetch and dispatch'],
  [`${core}/clock.ts`, 'rest of core'],
  ['file:///somewhere/benchmarks/src/stub-driver.ts', 'driver'],
  ['file:///somewhere/benchmarks/src/payload.ts', 'handler and benchmark'],
  ['node:internal/process/task_queues', 'Node and V8'],
])('%s belongs to %s', (url, part) => {
  expect(partOf({ functionName: 'f', url })).toBe(part);
  expect(partNames).toContain(part);
});

test('the garbage collector is a part of its own', () => {
  expect(partOf({ functionName: '(garbage collector)', url: '' })).toBe('garbage collector');
});

test('allocations are found where they are made', async () => {
  const kept: unknown[] = [];
  const found = await bytesByPart(async () => {
    for (let index = 0; index < 100_000; index += 1) kept.push({ index, text: [index] });
  });
  const all = [...found.values()].reduce((sum, bytes) => sum + bytes, 0);
  // An object, an array and its place in the list: some 80 bytes each.
  expect(all).toBeGreaterThan(4_000_000);
});

test('time is found where it is spent', async () => {
  const found = await timeByPart(async () => {
    for (const end = performance.now() + 50; performance.now() < end;);
  });
  const all = [...found.values()].reduce((sum, time) => sum + time, 0);
  expect(all).toBeGreaterThan(20_000);
});
