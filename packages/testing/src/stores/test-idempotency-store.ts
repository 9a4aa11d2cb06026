import { afterAll, describe, test, vi, type TestContext } from 'vitest';
import { allStoreCases } from './all-store-cases.ts';
import { runStoreCase, storeCaseLimitMs, type StoreConformanceOptions } from './run-store-conformance.ts';
import { storeGroupTitles, type StoreCase, type StoreGroup } from './store-case.ts';
import type { StoreHarness } from './store-harness.ts';

export interface TestIdempotencyStoreOptions extends StoreConformanceOptions {
  /** Cases at once, each in its own namespace: 5 by default; 1 for a server that has one thread. */
  readonly concurrency?: number;
}

/**
 * Registers the conformance suite of idempotency stores with vitest: all that a store's own suite calls. Closes the
 * harness at the end. Cases that need a missing member of the harness are shown as skipped, with the reason.
 */
export function testIdempotencyStore(harness: StoreHarness, options: TestIdempotencyStoreOptions = {}): void {
  const { groups = Object.keys(storeGroupTitles) as readonly StoreGroup[], timeScale = 1, concurrency = 5 } = options;
  vi.setConfig({ maxConcurrency: concurrency });
  const limits = { timeout: storeCaseLimitMs * timeScale * 2 };
  const register = (each: StoreCase): void => {
    test(each.name, async (context: TestContext) => {
      const result = await runStoreCase(each, harness, timeScale);
      if (result.status === 'not-run') context.skip(`not run: ${result.reason}`);
      if (result.status === 'failed') throw result.error;
    });
  };
  describe(`conformance of ${harness.name}`, () => {
    const together = allStoreCases.filter(({ group, alone }) => alone !== true && groups.includes(group));
    for (const [group, cases] of Map.groupBy(together, (each) => each.group))
      describe.concurrent(storeGroupTitles[group], limits, () => cases.forEach(register));
    describe('one at a time', limits, () => {
      allStoreCases.filter((each) => each.alone === true && groups.includes(each.group)).forEach(register);
    });
    afterAll(() => harness.close(), storeCaseLimitMs);
  });
}
