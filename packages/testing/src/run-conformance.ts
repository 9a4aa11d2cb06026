import { allCases } from './all-cases.ts';
import type { ConformanceCase, Group } from './conformance-case.ts';
import type { Harness } from './harness.ts';
import { createResourceWatch, type ResourceWatch } from './resource-watch.ts';
import { runCase, type CaseResult, type RunEnvironment } from './run-case.ts';

export interface ConformanceOptions {
  /** All by default. */
  readonly groups?: readonly Group[];
  /** Multiplies every upper bound: above 1 for a slow machine or broker. 1 by default. */
  readonly timeScale?: number;
  /** Cases at once, each in its own namespace: 16 by default. */
  readonly concurrency?: number;
  /** Aborted: no further case starts, and the results so far are returned. */
  readonly signal?: AbortSignal;
  /** After each case. */
  readonly onResult?: (result: CaseResult) => void;
}

/** Runs the cases without a test runner. Rejects only when the harness cannot make a driver at all. Does not close the harness. */
export async function runConformance(
  harness: Harness,
  options: ConformanceOptions = {},
): Promise<readonly CaseResult[]> {
  const watch = createResourceWatch();
  try {
    const results = await runAll(await createEnvironment(harness, watch, options.timeScale ?? 1), options);
    return [...results, ...strayRejections(watch)];
  } finally {
    watch.close();
  }
}

/** Those that came out of no case. They would otherwise be seen by nobody, as the watch listens for all. */
function strayRejections(watch: ResourceWatch): readonly CaseResult[] {
  const name = 'no promise is rejected without anybody who handles it';
  return watch.rejections(undefined).map((error) => ({ group: 'D', name, durationMs: 0, status: 'failed', error }));
}

/** Asks a driver once what it declares. */
export async function createEnvironment(
  harness: Harness,
  watch: ResourceWatch,
  timeScale: number,
): Promise<RunEnvironment> {
  const driver = await harness.createDriver('probe');
  const { capabilities, limits } = driver;
  await driver.close();
  return { harness, capabilities, limits, timeScale, watch };
}

async function runAll(environment: RunEnvironment, options: ConformanceOptions): Promise<readonly CaseResult[]> {
  const { groups, concurrency = 16 } = options;
  const chosen = allCases.filter(({ group }) => groups === undefined || groups.includes(group));
  const together = chosen.filter(({ alone }) => alone !== true);
  const alone = chosen.filter((each) => each.alone === true);
  return [
    ...(await runMany(together, environment, options, concurrency)),
    ...(await runMany(alone, environment, options, 1)),
  ];
}

async function runMany(
  cases: readonly ConformanceCase[],
  environment: RunEnvironment,
  { signal, onResult }: ConformanceOptions,
  atOnce: number,
): Promise<readonly CaseResult[]> {
  const results: CaseResult[] = [];
  const waiting = [...cases];
  const work = async (): Promise<void> => {
    for (let each = waiting.shift(); each !== undefined && signal?.aborted !== true; each = waiting.shift()) {
      const result = await runCase(each, environment);
      results.push(result);
      onResult?.(result);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return results;
}
