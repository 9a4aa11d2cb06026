import { afterAll, beforeAll, describe, test, vi, type TestContext } from 'vitest';
import { allCases } from './all-cases.ts';
import type { ConformanceCase, Group, Need } from './conformance-case.ts';
import { allGroups, groupTitles } from './groups.ts';
import type { Harness } from './harness.ts';
import { createResourceWatch } from './resource-watch.ts';
import { caseLimitMs, runCase, type RunEnvironment } from './run-case.ts';
import { createEnvironment } from './run-conformance.ts';

export interface TestDriverOptions {
  /** All by default. */
  readonly groups?: readonly Group[];
  /** Only the cases that need this: for a broker of its own that is restarted, where all others run elsewhere. */
  readonly needing?: Need;
  /** Multiplies every upper bound: above 1 for a slow machine or broker. 1 by default. */
  readonly timeScale?: number;
  /** Cases at once, each in its own namespace: 16 by default. */
  readonly concurrency?: number;
}

/**
 * Registers the conformance suite with vitest: one `describe` per guarantee and capability. All that an adapter's suite
 * calls. Closes the harness at the end. Cases whose capability or harness member is missing are shown as skipped, with the reason.
 */
export function testDriver(harness: Harness, options: TestDriverOptions = {}): void {
  const { groups = allGroups, needing, timeScale = 1, concurrency = 16 } = options;
  const chosen = allCases.filter(
    ({ group, needs = [] }) => groups.includes(group) && (needing === undefined || needs.includes(needing)),
  );
  vi.setConfig({ maxConcurrency: concurrency });
  describe(`conformance of ${harness.name}`, () => {
    const environment = shareEnvironment(harness, timeScale);
    const limits = { timeout: caseLimitMs * timeScale * 2 };
    for (const group of groups) {
      const cases = chosen.filter((each) => each.group === group && each.alone !== true);
      if (cases.length === 0) continue;
      describe.concurrent(groupTitles[group], limits, () => cases.forEach((each) => register(each, environment)));
    }
    describe('one at a time', limits, () => {
      for (const each of chosen) if (each.alone === true) register(each, environment);
      test('nothing is left in the process', () => environment().proveQuiet());
    });
  });
}

interface SharedEnvironment extends RunEnvironment {
  proveQuiet(): void;
}

function shareEnvironment(harness: Harness, timeScale: number): () => SharedEnvironment {
  let shared: SharedEnvironment | undefined;
  beforeAll(async () => {
    const before = process.getActiveResourcesInfo().length;
    const watch = createResourceWatch();
    shared = {
      ...(await createEnvironment(harness, watch, timeScale)),
      proveQuiet: () => proveQuiet(before, watch.rejections(undefined)),
    };
  }, caseLimitMs);
  afterAll(async () => {
    shared?.watch.close();
    await harness.close();
  }, caseLimitMs);
  return () => {
    if (shared === undefined) throw new Error('The harness made no driver.');
    return shared;
  };
}

function proveQuiet(before: number, rejections: readonly unknown[]): void {
  const [rejection] = rejections;
  if (rejection !== undefined) throw new Error('A promise was rejected and nobody handled it.', { cause: rejection });
  const now = process.getActiveResourcesInfo();
  if (now.length > before + 1) throw new Error(`Before there were ${before} active resources, now: ${now.join(', ')}`);
}

function register(each: ConformanceCase, environment: () => RunEnvironment): void {
  const name = each.alone === true ? `${each.group} ${each.name}` : each.name;
  test(name, async (context: TestContext) => {
    const result = await runCase(each, environment());
    if (result.status === 'not-run') context.skip(`not run: ${result.reason}`);
    if (result.status === 'failed') throw result.error;
  });
}
