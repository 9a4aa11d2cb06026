export * from './conformance.ts';
export { testDriver, type TestDriverOptions } from './test-driver.ts';
export { testIdempotencyStore } from './stores/test-idempotency-store.ts';
