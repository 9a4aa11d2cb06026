import { claimFaults } from './claim-faults.ts';
import { completionFaults } from './completion-faults.ts';
import type { FaultyStore } from './faulty-store.ts';
import { leaseFaults } from './lease-faults.ts';

/** Stores with one mistake each, for a test that shows that the suite finds them. */
export const faultyStores: readonly FaultyStore[] = [...claimFaults, ...leaseFaults, ...completionFaults];
