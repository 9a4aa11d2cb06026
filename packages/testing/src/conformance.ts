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
