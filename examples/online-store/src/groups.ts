import { exponential, idempotent, type Client, type Consumer, type IdempotencyStore } from '@anymq/core';
import type { Books } from './books.ts';
import { stockChanges, type Group } from './destinations.ts';

export interface GroupTools {
  readonly client: Client;
  readonly books: Books;
  readonly idempotency: IdempotencyStore;
}

const retry = { maxAttempts: 5, backoff: exponential({ initialMs: 5, maxMs: 50 }) };

/** The three who follow the stock: two take one change at a time, analytics takes batches. */
export function followStock({ client, books, idempotency }: GroupTools): readonly Consumer[] {
  const use = [idempotent({ store: idempotency })];
  const follow = (group: Group): Consumer =>
    client.consumer(stockChanges, { group, concurrency: 32, retry, use }, (change) =>
      books.enterStockChange(group, change),
    );
  const analytics = client.batchConsumer(
    stockChanges,
    { group: 'analytics', maxMessages: 200, maxWaitMs: 20, retry, use },
    async (changes) => {
      for (const { body } of changes) books.enterStockChange('analytics', body);
    },
  );
  return [follow('website'), follow('app'), analytics];
}
