import { expect, test } from 'vitest';
import { compare } from '../src/compare/comparison.ts';
import { comparisonTable } from '../src/compare/print.ts';
import type { CaseResult } from '../src/runner.ts';
import { spreadOf } from '../src/statistics.ts';

/** Of a client with so many messages a second in each round. */
function result(on: string, variant: string, speeds: readonly number[], operation = 'sendMany'): CaseResult {
  return {
    on,
    operation,
    codec: 'json',
    variant,
    messages: 1000,
    messagesPerSecond: spreadOf(speeds),
    microseconds: spreadOf(speeds.map((speed) => 1e6 / speed)),
    cpuMicroseconds: spreadOf(speeds.map((speed) => 5e5 / speed)),
    aimMicroseconds: undefined,
    perRound: speeds.map((messagesPerSecond) => ({ messagesPerSecond, cpuMicroseconds: 5e5 / messagesPerSecond })),
    callsPerMessage: 0,
  };
}

const results = [
  result('anymq', 'ours', [100, 200, 110]),
  result('raw', 'raw', [100, 100, 100]),
  result('peer', 'peer', [50, 50, 50]),
  result('anymq', 'ours', [10], 'consume'),
];

test('each client is compared with the raw one, at what both do', () => {
  const comparisons = compare(results, { anymq: { sendMany: 1 } });
  expect(comparisons.map(({ on, operation, ratio, aim }) => [on, operation, ratio, aim])).toEqual([
    ['anymq', 'sendMany', { median: 1.1, min: 1, max: 2 }, 1],
    ['peer', 'sendMany', { median: 0.5, min: 0.5, max: 0.5 }, undefined],
  ]);
  expect(comparisons[1]?.cpuRatio.median).toBe(2);
});

test('the table has a line for each result, with its ratio and aim', () => {
  const lines = comparisonTable(results, compare(results, { anymq: { sendMany: 1 } })).split('\n');
  expect(lines).toHaveLength(1 + results.length);
  expect(lines[1]).toMatch(/^sendMany +anymq +110 +100–200 +1\.10 +1\.00–2\.00 +≥ 1 +4545\.45 +0\.91$/);
  expect(lines[2]).toMatch(/^sendMany +raw +100 +100–100 +5000\.00$/);
  expect(lines[0]).not.toContain('calls');
});

test('requests for each message are shown where they are counted', () => {
  const counted = [{ ...result('anymq', 'ours', [1]), callsPerMessage: 0.3 }];
  expect(comparisonTable(counted, [])).toMatch(/calls\/message\n.* 0\.300$/);
});
