import { createClient, defineQueue } from '@anymq/core';
import { createSqsDriver, sqs, type SqsDriverOptions } from '@anymq/sqs';
import { sharedBroker } from '@anymq/testing/brokers';
import { afterAll, describe, expect, test } from 'vitest';
import { countingClient } from './support/counting-client.ts';

const broker = sharedBroker('sqs');
const count = 3000;

describe.runIf(broker !== undefined)('calls are what SQS costs', () => {
  const { endpoint = '', region = '' }: SqsDriverOptions = broker === undefined ? {} : sqs.parseUrl(broker.url);
  const counting = countingClient(endpoint, region);
  const of = (name: string): number => counting.calls.get(name) ?? 0;
  afterAll(() => counting.destroy());

  test('with full batches a message costs at most 0.31 calls: sent, received, deleted', async () => {
    const driver = await createSqsDriver({ client: counting, region, namespace: 'calls' });
    await using client = await createClient(driver);
    const queue = defineQueue<number>('counted');
    await client.provision([queue]);
    counting.calls.clear();
    await client.producer(queue).sendMany(Array.from({ length: count }, (_, n) => n));
    expect(of('SendMessageBatch')).toBe(count / 10);
    const done = Promise.withResolvers<void>();
    let handled = 0;
    const consumer = client.consumer(queue, { concurrency: 100 }, () => {
      handled += 1;
      if (handled === count) done.resolve();
    });
    await consumer.start();
    await done.promise;
    await consumer.stop();
    const own = ['SendMessageBatch', 'ReceiveMessage', 'DeleteMessageBatch', 'ChangeMessageVisibilityBatch'];
    const calls = own.reduce((sum, name) => sum + of(name), 0);
    expect(calls / count).toBeLessThanOrEqual(0.31);
    await client.remove([queue]);
  }, 60_000);
});
