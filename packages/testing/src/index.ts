export * from './conformance.ts';
export { testDriver, type TestDriverOptions } from './test-driver.ts';
