import { fuzz } from './fuzz.ts';
import type { FuzzResult } from './fuzz.ts';
import { fuzzTargets } from './targets.ts';

/** So many cases in all, the same number for each decoder. */
export function runFuzz(cases: number, seed: number, tell: (result: FuzzResult) => void): readonly FuzzResult[] {
  return fuzzTargets.map((target) => {
    const result = fuzz(target, Math.ceil(cases / fuzzTargets.length), seed);
    tell(result);
    return result;
  });
}
