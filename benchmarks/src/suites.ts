import type { BenchCase } from './bench-case.ts';
import type { BacklogOptions } from './cases/backlog-memory.ts';
import { memoryCases } from './cases/memory.ts';

/** What is measured of one broker. */
export interface Suite {
  cases(size: 'full' | 'quick'): readonly BenchCase[];
  backlogs(size: 'full' | 'quick'): readonly BacklogOptions[];
}

/** By the name on the command line. */
export const suites: ReadonlyMap<string, Suite> = new Map([
  ['memory', { cases: memoryCases, backlogs: memoryBacklogs }],
]);

/** A small backlog, which is still more than a consumer may hold, beside a large one: what it holds should not differ. */
function memoryBacklogs(size: 'full' | 'quick'): readonly BacklogOptions[] {
  const large = size === 'quick' ? 100_000 : 1_000_000;
  const variants = size === 'quick' ? (['plain'] as const) : (['plain', 'ordered'] as const);
  return variants.flatMap((variant) => [
    { backlog: 20_000, variant },
    { backlog: large, variant },
  ]);
}
