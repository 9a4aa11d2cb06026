import { batchCases } from './batch-cases.ts';
import { claimCases } from './claim-cases.ts';
import { completionCases } from './completion-cases.ts';
import { keyCases } from './key-cases.ts';
import { leaseCases } from './lease-cases.ts';
import { lifecycleCases, outageCases } from './lifecycle-cases.ts';
import type { StoreCase } from './store-case.ts';

export const allStoreCases: readonly StoreCase[] = [
  ...claimCases,
  ...leaseCases,
  ...completionCases,
  ...batchCases,
  ...keyCases,
  ...lifecycleCases,
  ...outageCases,
];
