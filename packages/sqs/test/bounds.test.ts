import { createClient, defineQueue } from '@anymq/core';
import { createSqsDriver } from '@anymq/sqs';
import { expect, test, vi } from 'vitest';
import { driverOn, standard } from './support/opened.ts';
import { bringing, entriesOf, rawMessage, scriptedClient } from './support/scripted-client.ts';

// What SQS alone bounds or does not know, as the user of a client sees it.

test('a handler keeps its message for 12 hours, then its signal aborts with the reason, and nothing is deleted', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
  try {
    const client = scriptedClient();
    client.on('ReceiveMessage', bringing([rawMessage('a')]));
    const mq = await createClient(await createSqsDriver({ client, region: 'eu-west-1' }));
    const started = Promise.withResolvers<AbortSignal>();
    const consumer = mq.consumer(defineQueue('jobs'), { leaseMs: 3_600_000 }, async (_job, { signal }) => {
      started.resolve(signal);
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    });
    await consumer.start();
    const signal = await started.promise;
    await vi.advanceTimersByTimeAsync(43_190_000);
    expect(signal.aborted).toBe(false);
    expect(client.of('ChangeMessageVisibilityBatch').length).toBeGreaterThan(11);
    await vi.advanceTimersByTimeAsync(11_000);
    expect(signal.reason).toMatchObject({ code: 'LEASE_LOST' });
    await consumer.stop();
    expect(client.of('DeleteMessageBatch')).toEqual([]);
    await mq.close();
  } finally {
    vi.useRealTimers();
  }
});

test('counts say that they are approximate, and the age of the oldest is null: CloudWatch alone has it', async () => {
  const client = scriptedClient();
  client.on('GetQueueAttributes', () => ({
    Attributes: {
      ApproximateNumberOfMessages: '3',
      ApproximateNumberOfMessagesNotVisible: '2',
      ApproximateNumberOfMessagesDelayed: '1',
    },
  }));
  const driver = await driverOn(client);
  const about = (value: number): object => ({ value, exact: false });
  expect(await driver.inspect(standard)).toEqual({
    backlog: about(3),
    inFlight: about(2),
    delayed: about(1),
    deadLetters: about(6),
    oldestAgeMs: null,
  });
  await driver.close();
});

test('two purges within a minute remove what they chose, and never call PurgeQueue, which SQS allows once in 60 s', async () => {
  const client = scriptedClient();
  const mq = await createClient(await driverOn(client));
  const dead = mq.deadLetters(defineQueue('jobs'));
  for (const letters of [[rawMessage('a'), rawMessage('b')], [rawMessage('c')]]) {
    const left = [letters];
    client.on('ReceiveMessage', () => ({ Messages: left.pop() }));
    expect(await dead.purge()).toEqual({ purged: letters.length });
  }
  const deleted = client.of('DeleteMessageBatch').flatMap(({ input }) => entriesOf(input));
  expect(deleted.map(({ ReceiptHandle }) => ReceiptHandle)).toEqual(['receipt-a', 'receipt-b', 'receipt-c']);
  expect(client.of('PurgeQueue')).toEqual([]);
  await mq.close();
});
