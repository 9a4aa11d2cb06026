import { bounded } from '../eventually.ts';
import { freshNamespace, type Verdict } from '../run-case.ts';
import { allStoreCases } from './all-store-cases.ts';
import type { StoreCase, StoreGroup } from './store-case.ts';
import { StoreContext } from './store-context.ts';
import type { StoreHarness } from './store-harness.ts';

export type StoreCaseResult = Verdict & {
  readonly group: StoreGroup;
  readonly name: string;
};

export interface StoreConformanceOptions {
  /** All by default. */
  readonly groups?: readonly StoreGroup[];
  /** Multiplies how long leases and retentions are: above 1 for a slow machine or server. 1 by default. */
  readonly timeScale?: number;
}

/** How long a case may take, in milliseconds before scaling. */
export const storeCaseLimitMs = 30_000;

/** Runs the cases without a test runner. Never rejects. Does not close the harness. */
export async function runStoreConformance(
  harness: StoreHarness,
  { groups, timeScale = 1 }: StoreConformanceOptions = {},
): Promise<readonly StoreCaseResult[]> {
  const chosen = allStoreCases.filter(({ group }) => groups === undefined || groups.includes(group));
  const together = chosen.filter(({ alone }) => alone !== true);
  const results = await Promise.all(together.map((each) => runStoreCase(each, harness, timeScale)));
  for (const each of chosen.filter(({ alone }) => alone === true))
    results.push(await runStoreCase(each, harness, timeScale));
  return results;
}

/** Never rejects: what goes wrong is in the result. */
export async function runStoreCase(
  each: StoreCase,
  harness: StoreHarness,
  timeScale: number,
): Promise<StoreCaseResult> {
  const { group, name, needs } = each;
  if (needs !== undefined && !has(harness, needs))
    return { group, name, status: 'not-run', reason: `the harness has no ${needs}` };
  const context = new StoreContext(harness, freshNamespace(), timeScale);
  try {
    await bounded('The case', each.run(context), storeCaseLimitMs * timeScale);
    await context.closeAll();
    return { group, name, status: 'passed' };
  } catch (error) {
    // What goes wrong now says nothing new.
    await context.closeAll().catch(() => undefined);
    return { group, name, status: 'failed', error };
  }
}

function has(harness: StoreHarness, need: NonNullable<StoreCase['needs']>): boolean {
  return need === 'a clock of its own' ? harness.runsInside !== true : harness[need] !== undefined;
}
