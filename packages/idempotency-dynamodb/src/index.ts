export { createDynamodbStore, tableDefinition } from './create-dynamodb-store.ts';
export type { DynamodbClient, DynamodbStoreOptions } from './create-dynamodb-store.ts';
