import type { Comparison } from '../compare/comparison.ts';
import type { LatencyResult } from '../compare/latency.ts';
import type { Report } from '../report.ts';
import type { Spread } from '../statistics.ts';

/** Something of the product's that is worse, beside the raw client, than in the run that was committed. */
export interface Regression {
  readonly what: string;
  readonly before: number;
  readonly now: number;
}

/** Outside of the spread of either run, and by more than this share: less than that says nothing. */
const tolerance = 0.05;
/** Latencies scatter more: a twentieth of a millisecond is the machine's. */
const latencyTolerance = 0.25;

/** Of ratios alone, never of absolute times: those are the machine's. Another size of the same suite may be compared. */
export function regressionsOf(before: Report, now: Report): readonly Regression[] {
  if (before.against === undefined || now.against === undefined) return [];
  const { contenders, comparisons, latencies } = now.against;
  const then = before.against;
  const ours = new Set(contenders.filter(({ role }) => role === 'ours').map(({ name }) => name));
  const raw = contenders.find(({ role }) => role === 'raw')?.name ?? '';
  return [
    ...comparisons.filter(({ on }) => ours.has(on)).flatMap((one) => slower(then.comparisons, one)),
    ...latencies.filter(({ on }) => ours.has(on)).flatMap((one) => later(then.latencies, latencies, one, raw)),
  ];
}

function slower(before: readonly Comparison[], now: Comparison): readonly Regression[] {
  const { on, operation } = now;
  const then = before.find((one) => one.on === on && one.operation === operation);
  if (then === undefined) return [];
  const what = `${on}: ${operation}`;
  const speed = isBelow(now.ratio, then.ratio);
  const cpu = isBelow(then.cpuRatio, now.cpuRatio);
  return [
    ...(speed ? [{ what: `${what}, messages/s of raw`, before: then.ratio.median, now: now.ratio.median }] : []),
    ...(cpu
      ? [{ what: `${what}, processor time of raw`, before: then.cpuRatio.median, now: now.cpuRatio.median }]
      : []),
  ];
}

/** Neither median is within the other's spread. */
function isBelow(one: Spread, other: Spread): boolean {
  return one.median < other.min * (1 - tolerance) && one.max < other.median;
}

function later(
  before: readonly LatencyResult[],
  now: readonly LatencyResult[],
  { on, load }: LatencyResult,
  raw: string,
): readonly Regression[] {
  const [then, is] = [before, now].map((results) => ofRaw(results, on, raw, load));
  if (then === undefined || is === undefined || is <= then * (1 + latencyTolerance)) return [];
  return [{ what: `${on}: p50 of the latency, ${load}, of raw`, before: then, now: is }];
}

function ofRaw(
  results: readonly LatencyResult[],
  on: string,
  raw: string,
  load: LatencyResult['load'],
): number | undefined {
  const p50 = (name: string) => results.find((one) => one.on === name && one.load === load)?.p50Ms.median;
  const [mine, its] = [p50(on), p50(raw)];
  return mine === undefined || its === undefined ? undefined : mine / its;
}
