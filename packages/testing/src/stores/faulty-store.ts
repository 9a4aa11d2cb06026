import type { IdempotencyStore } from '@anymq/core';
import type { StoreGroup } from './store-case.ts';
import type { StoreHarness } from './store-harness.ts';

/** A mistake that stores make, and the groups of the suite that find it. */
export interface FaultyStore {
  /** What the store does wrong: 'a store that …'. */
  readonly name: string;
  readonly caughtBy: readonly StoreGroup[];
  /** `shared`: what the broken stores of one namespace remember together. */
  break(store: IdempotencyStore, shared: Map<string, string>): IdempotencyStore;
}

/** The harness, with every store broken in one way. */
export function breakStoreHarness(harness: StoreHarness, faulty: FaultyStore): StoreHarness {
  const shared = new Map<string, Map<string, string>>();
  return {
    ...harness,
    name: `${harness.name} that ${faulty.name}`,
    async createStore(namespace) {
      const own = shared.get(namespace) ?? new Map<string, string>();
      shared.set(namespace, own);
      return faulty.break(await harness.createStore(namespace), own);
    },
  };
}
