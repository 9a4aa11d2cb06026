import { describe, expect, test } from 'vitest';
import { breakStoreHarness, faultyStores, runStoreConformance } from '../../src/conformance.ts';
import { memoryHarness } from './memory-harness.ts';

describe.concurrent('the suite catches', { timeout: 60_000 }, () => {
  for (const faulty of faultyStores) {
    test(`a store that ${faulty.name}`, async () => {
      const results = await runStoreConformance(breakStoreHarness(memoryHarness(), faulty), {
        groups: faulty.caughtBy,
      });
      const caught = new Set(results.filter(({ status }) => status === 'failed').map(({ group }) => group));
      expect([...caught].toSorted()).toEqual([...faulty.caughtBy].toSorted());
    });
  }
});

test('there are at least 20 of them, each with a name of its own', () => {
  expect(faultyStores.length).toBeGreaterThanOrEqual(20);
  expect(new Set(faultyStores.map(({ name }) => name)).size).toBe(faultyStores.length);
});
