import type { CaseResult } from '../runner.ts';
import { ratioOf, type Spread } from '../statistics.ts';

/** One contender at one operation, beside the raw client in the same rounds. */
export interface Comparison {
  readonly operation: string;
  readonly on: string;
  /** Messages a second, over the raw client's. Above 1: faster than raw. */
  readonly ratio: Spread;
  /** Processor time of a message, over the raw client's. Below 1: cheaper than raw. */
  readonly cpuRatio: Spread;
  /** What the ratio should be at least. */
  readonly aim: number | undefined;
}

export type Aims = Readonly<Record<string, Readonly<Record<string, number>>>>;

/** Every contender but the raw one, at every operation that the raw one does too. */
export function compare(results: readonly CaseResult[], aims: Aims): readonly Comparison[] {
  const raw = new Map(results.filter(({ variant }) => variant === 'raw').map((result) => [result.operation, result]));
  return results.flatMap((result) => {
    const { operation, on, variant } = result;
    const beside = raw.get(operation);
    if (variant === 'raw' || beside === undefined) return [];
    return [{ operation, on, ...ratios(result, beside), aim: aims[on]?.[operation] }];
  });
}

function ratios(one: CaseResult, raw: CaseResult): Pick<Comparison, 'ratio' | 'cpuRatio'> {
  const speeds = (result: CaseResult) => result.perRound.map(({ messagesPerSecond }) => messagesPerSecond);
  const cpu = (result: CaseResult) => result.perRound.map(({ cpuMicroseconds }) => cpuMicroseconds);
  return { ratio: ratioOf(speeds(one), speeds(raw)), cpuRatio: ratioOf(cpu(one), cpu(raw)) };
}
