import { expect, test } from 'vitest';
import type { Comparison } from '../src/compare/comparison.ts';
import type { LatencyResult } from '../src/compare/latency.ts';
import type { Report } from '../src/report.ts';
import { regressionsOf } from '../src/results/regressions.ts';

const spread = (median: number, by = 0.1) => ({ median, min: median - by, max: median + by });

function comparison(ratio: number, cpuRatio = 1, on = 'anymq'): Comparison {
  return { on, operation: 'sendMany', ratio: spread(ratio), cpuRatio: spread(cpuRatio), aim: 1 };
}

function latency(on: string, p50: number): LatencyResult {
  return {
    on,
    load: 'idle',
    perSecond: undefined,
    messages: 100,
    rounds: 3,
    p50Ms: spread(p50, 0),
    p99Ms: spread(p50, 0),
  };
}

function report(comparisons: readonly Comparison[], latencies: readonly LatencyResult[] = []): Report {
  const contender = (name: string, role: string) => ({ name, role, version: '1', lacks: [], failures: [] });
  const contenders = [contender('anymq', 'ours'), contender('raw', 'raw'), contender('peer', 'peer')];
  return {
    broker: 'redis',
    size: 'quick',
    rounds: 5,
    bodyBytes: 200,
    machine: { cpu: 'c', cores: 2, memoryBytes: 1, platform: 'p', node: '24', v8: '1' },
    commit: undefined,
    at: '2026-11-22T00:00:00Z',
    cases: [],
    backlogs: [],
    against: { server: 'Redis 8', setting: 's', contenders, comparisons, latencies },
  };
}

test('a ratio inside the spread of the committed run is nothing', () => {
  expect(regressionsOf(report([comparison(1)]), report([comparison(0.9)]))).toEqual([]);
  expect(regressionsOf(report([comparison(1)]), report([comparison(2)]))).toEqual([]);
});

test('a ratio below that spread is worse', () => {
  expect(regressionsOf(report([comparison(1)]), report([comparison(0.8)]))).toEqual([
    { what: 'anymq: sendMany, messages/s of raw', before: 1, now: 0.8 },
  ]);
});

test('a ratio below that spread, some rounds of which were as before, is nothing', () => {
  const wide: Comparison = { ...comparison(0.8), ratio: { median: 0.8, min: 0.7, max: 1.05 } };
  expect(regressionsOf(report([comparison(1)]), report([wide]))).toEqual([]);
});

test('more processor time than that spread is worse', () => {
  expect(regressionsOf(report([comparison(1, 1)]), report([comparison(1, 1.3)]))).toEqual([
    { what: 'anymq: sendMany, processor time of raw', before: 1, now: 1.3 },
  ]);
});

test('what others do is not ours to get worse, and what is new has nothing to be compared with', () => {
  expect(regressionsOf(report([comparison(1, 1, 'peer')]), report([comparison(0.1, 9, 'peer')]))).toEqual([]);
  expect(regressionsOf(report([]), report([comparison(0.1)]))).toEqual([]);
});

test('latency is compared beside the raw client: a slower machine is nothing, a slower product is', () => {
  const before = report([], [latency('anymq', 1), latency('raw', 1)]);
  expect(regressionsOf(before, report([], [latency('anymq', 5), latency('raw', 5)]))).toEqual([]);
  expect(regressionsOf(before, report([], [latency('anymq', 2), latency('raw', 1)]))).toEqual([
    { what: 'anymq: p50 of the latency, idle, of raw', before: 1, now: 2 },
  ]);
});

test('absolute times alone are never compared', () => {
  const { against: _, ...memory } = report([comparison(1)]);
  expect(regressionsOf(memory, report([comparison(0.1)]))).toEqual([]);
});
