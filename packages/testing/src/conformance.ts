// The suite without vitest: the same cases, run as a function.
export type { Behaviour, CaseContext, Job } from './case-context.ts';
export type { ConnectOptions } from './case-members.ts';
export { allCases } from './all-cases.ts';
export type { ConformanceCase, Group, Need } from './conformance-case.ts';
export { breakHarness, type FaultyDriver } from './faults/faulty-driver.ts';
export { faultyDrivers } from './faults/faulty-drivers.ts';
export { allGroups, groupTitles } from './groups.ts';
export type { Harness, RawMessage } from './harness.ts';
export type { CaseResult } from './run-case.ts';
export { runConformance, type ConformanceOptions } from './run-conformance.ts';
export { wrapDriver, type DriverHooks } from './wrap-driver.ts';
export { allStoreCases } from './stores/all-store-cases.ts';
export { breakStoreHarness, type FaultyStore } from './stores/faulty-store.ts';
export { faultyStores } from './stores/faulty-stores.ts';
export {
  runStoreConformance,
  type StoreCaseResult,
  type StoreConformanceOptions,
} from './stores/run-store-conformance.ts';
export { storeGroupTitles, type StoreCase, type StoreGroup } from './stores/store-case.ts';
export type { StoreHarness } from './stores/store-harness.ts';
