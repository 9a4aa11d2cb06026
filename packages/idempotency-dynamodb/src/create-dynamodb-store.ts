import type {
  CreateTableCommandInput,
  DeleteItemCommand,
  GetItemCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import type { IdempotencyStore } from '@anymq/core';
import { invalidOption, requireKnown, requireNumber } from '@anymq/core/driver';
import { DynamodbStore } from './dynamodb-store.ts';

/** What we call of a DynamoDBClient. It stays the caller's: it is never destroyed here. */
export interface DynamodbClient {
  send(command: UpdateItemCommand | DeleteItemCommand | GetItemCommand): Promise<unknown>;
}

export interface DynamodbStoreOptions {
  /** A DynamoDBClient of the AWS SDK, version 3. */
  readonly client: DynamodbClient;
  /** 'anymq-idempotency' by default. Made by you: see `tableDefinition`. */
  readonly table?: string | undefined;
  /** What its keys begin with: nothing by default. Stores of a table that share it share their keys. */
  readonly prefix?: string | undefined;
  /** How long a call waits for its answers, then it rejects: 1 to 600,000; 5,000 by default. */
  readonly timeoutMs?: number | undefined;
}

/**
 * Keeps keys in DynamoDB: one conditional write for each key and step, and a time to live for what has expired. Time is the
 * server's, as its answers tell it to the second: leases are to be longer than a few. @throws INVALID_OPTION
 */
export function createDynamodbStore(options: DynamodbStoreOptions): IdempotencyStore {
  requireKnown('createDynamodbStore', options, ['client', 'table', 'prefix', 'timeoutMs']);
  const { client, table = 'anymq-idempotency', prefix = '' } = options;
  if (typeof client?.send !== 'function') throw invalidOption('client must be a DynamoDBClient.');
  if (typeof table !== 'string' || table === '') throw invalidOption('table must be the name of a table.');
  if (typeof prefix !== 'string') throw invalidOption('prefix must be a string.');
  const timeoutMs = requireNumber('timeoutMs', options.timeoutMs ?? 5000, { min: 1, max: 600_000 });
  return new DynamodbStore({ client, table, prefix, timeoutMs });
}

/** For a CreateTableCommand. Let its time to live be the attribute `expires`. */
export function tableDefinition(table = 'anymq-idempotency'): CreateTableCommandInput {
  return {
    TableName: table,
    AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
    KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
    BillingMode: 'PAY_PER_REQUEST',
  };
}
