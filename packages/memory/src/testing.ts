export { createTestClient } from './testing/test-client.ts';
export type { TestClient, TestClientOptions, UntilIdleOptions } from './testing/test-client.ts';
export type { DeadLetteredMessage, Handled, HandledMessage, HandleOptions } from './testing/handle.ts';
