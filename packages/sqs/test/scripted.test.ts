import { createClient, defineQueue } from '@anymq/core';
import { expect, test, vi } from 'vitest';
import { acknowledge, driverOn, fifo, messages, opened, signal, standard, wanted } from './support/opened.ts';
import { awsError, bringing, entriesOf, failing, rawMessage, scriptedClient } from './support/scripted-client.ts';

// What only AWS itself shows. Names and shapes are those of the SQS API reference; the Developer Guide's quotas say what comes when.

test('a batch of sends that fails in part: each message has its own answer, and what it means', async () => {
  const client = scriptedClient();
  client.on(
    'SendMessageBatch',
    failing({
      1: { Code: 'InternalError', SenderFault: false },
      2: { Code: 'InvalidMessageContents', SenderFault: true },
    }),
  );
  const driver = await driverOn(client);
  const sender = await driver.openSender(standard);
  const [first, second, third] = await sender.sendBatch(messages('a', 'b', 'c'), { signal });
  expect(first?.ok).toBe(true);
  const classified = [second, third].map((outcome) => outcome?.ok === false && driver.classifyError(outcome.error));
  expect(classified).toEqual([
    { code: 'UNKNOWN', retryable: true, outcome: 'not-sent' },
    { code: 'INVALID_OPTION', retryable: false, outcome: 'not-sent' },
  ]);
  await driver.close();
});

test('a batch of deletes that fails in part: only that message is settled again, and nothing is deleted twice', async () => {
  const client = scriptedClient();
  client.on('ReceiveMessage', bringing([rawMessage('a'), rawMessage('b')]));
  client.on('DeleteMessageBatch', failing({ 1: { Code: 'InternalError', SenderFault: false } }));
  const driver = await driverOn(client);
  const { receiver } = await opened(driver);
  const items = (await receiver.receive(wanted)).map(({ token }) => ({ token, outcome: acknowledge }));
  expect(await receiver.settleBatch(items)).toMatchObject([{ ok: true }, { ok: false, reason: 'error' }]);
  // It had been deleted after all: what is gone cannot be deleted again, and is settled.
  client.on('DeleteMessageBatch', failing({ 0: { Code: 'ReceiptHandleIsInvalid', SenderFault: true } }));
  expect(await receiver.settleBatch(items)).toEqual([{ ok: true }, { ok: true }]);
  expect(client.of('DeleteMessageBatch').map(({ input }) => entriesOf(input).length)).toEqual([2, 1]);
  await driver.close();
});

test.each([
  ['ReceiptHandleIsInvalid', 'The input receipt handle is invalid.'],
  [
    'InvalidParameterValue',
    'Value AQEB for parameter ReceiptHandle is invalid. Reason: The receipt handle has expired.',
  ],
])('a receipt that has expired (%s) is lost, and core is told before the settlement answers', async (Code, Message) => {
  const client = scriptedClient();
  client.on('ReceiveMessage', bringing([rawMessage('a')]));
  client.on('DeleteMessageBatch', failing({ 0: { Code, SenderFault: true, Message } }));
  const driver = await driverOn(client);
  const { receiver, lost } = await opened(driver);
  const [{ token } = { token: '' }] = await receiver.receive(wanted);
  expect(await receiver.settleBatch([{ token, outcome: acknowledge }])).toEqual([{ ok: false, reason: 'lost' }]);
  expect(lost).toEqual([token]);
  await driver.close();
});

test('a dead letter is written before its message is deleted, and written once', async () => {
  const client = scriptedClient();
  client.on('ReceiveMessage', bringing([rawMessage('a')]));
  client.on('DeleteMessageBatch', failing({ 0: { Code: 'InternalError', SenderFault: false } }));
  const driver = await driverOn(client);
  const { receiver } = await opened(driver);
  const [{ token } = { token: '' }] = await receiver.receive(wanted);
  const now = Date.now();
  const failure = {
    name: 'Error',
    message: '',
    attempts: 1,
    firstFailedAt: now,
    lastFailedAt: now,
    destination: 'jobs',
  };
  const items = [{ token, outcome: { kind: 'deadLetter', failure } as const }];
  expect(await receiver.settleBatch(items)).toMatchObject([{ ok: false, reason: 'error' }]);
  client.on('DeleteMessageBatch', failing({}));
  expect(await receiver.settleBatch(items)).toEqual([{ ok: true }]);
  const order = client.calls.map(({ name }) => name).filter((name) => name.endsWith('Batch'));
  expect(order).toEqual(['SendMessageBatch', 'DeleteMessageBatch', 'DeleteMessageBatch']);
  await driver.close();
});

test('a message whose retry was written is deleted, also when its lease has run out meanwhile', async () => {
  const client = scriptedClient();
  client.on('ReceiveMessage', bringing([rawMessage('a')]));
  client.on('DeleteMessageBatch', failing({ 0: { Code: 'InternalError', SenderFault: false } }));
  let later = 0;
  const driver = await driverOn(client, () => Date.now() + later);
  const { receiver } = await opened(driver);
  const [{ token } = { token: '' }] = await receiver.receive(wanted);
  const items = [{ token, outcome: { kind: 'retry', dueAt: Date.now() + 1000, attempt: 2 } as const }];
  expect(await receiver.settleBatch(items)).toMatchObject([{ ok: false, reason: 'error' }]);
  later = 31_000;
  client.on('DeleteMessageBatch', failing({}));
  expect(await receiver.settleBatch(items)).toEqual([{ ok: false, reason: 'lost' }]);
  const order = client.calls.map(({ name }) => name).filter((name) => name.endsWith('Batch'));
  expect(order).toEqual(['SendMessageBatch', 'DeleteMessageBatch', 'DeleteMessageBatch']);
  await driver.close();
});

test.each([
  ['RequestThrottled', 'THROTTLED'],
  ['ThrottlingException', 'THROTTLED'],
  // 120,000 messages of a standard queue are in flight.
  ['OverLimit', 'THROTTLED'],
  // The SDK could not renew its credentials this time.
  ['CredentialsProviderError', 'UNAUTHENTICATED'],
])('%s is waited out: a consumer recovers and goes on', async (name, code) => {
  const client = scriptedClient();
  let refusals = 2;
  const bring = bringing([rawMessage('a')]);
  client.on('ReceiveMessage', (input, aborted) => {
    if (refusals-- > 0) throw awsError(name, 400);
    return bring(input, aborted);
  });
  const driver = await driverOn(client);
  expect(driver.classifyError(awsError(name, 400))).toMatchObject({ code, retryable: true, outcome: 'not-sent' });
  const states: string[] = [];
  await using mq = await createClient(driver, {
    onEvent: (event) => event.type === 'consumer-state' && states.push(event.state),
  });
  const handled = Promise.withResolvers<void>();
  await mq.consumer(defineQueue('jobs'), {}, () => handled.resolve()).start();
  await handled.promise;
  await vi.waitFor(() => expect(states.at(-1)).toBe('running'));
  expect(states).toContain('recovering');
});

test('AccessDenied ends a consumer loudly, and check() tells', async () => {
  const client = scriptedClient();
  const refuse = (): never => {
    throw awsError('AccessDenied', 403);
  };
  client.on('ReceiveMessage', refuse);
  await using mq = await createClient(await driverOn(client));
  const consumer = mq.consumer(defineQueue('jobs'), {}, () => undefined);
  await consumer.start();
  await expect(consumer.finished).rejects.toMatchObject({ code: 'ACCESS_DENIED', retryable: false });
  client.on('GetQueueAttributes', refuse);
  const health = await mq.check();
  expect(health.ok).toBe(false);
  expect(health.brokers[0]?.error?.code).toBe('ACCESS_DENIED');
  expect(health.consumers[0]?.error?.code).toBe('ACCESS_DENIED');
});

test('a queue that was deleted is waited for, as long as it may come again', async () => {
  const client = scriptedClient();
  let aheadMs = 0;
  client.on('ReceiveMessage', () => {
    throw awsError('QueueDoesNotExist', 400);
  });
  const driver = await driverOn(client, () => Date.now() + aheadMs);
  const { receiver } = await opened(driver);
  const code = async (): Promise<string> =>
    receiver.receive(wanted).then(
      () => 'received',
      (error: unknown) => driver.classifyError(error).code,
    );
  expect(await code()).toBe('NOT_CONNECTED');
  client.on('ReceiveMessage', bringing([rawMessage('a')]));
  expect(await code()).toBe('received');
  client.on('ReceiveMessage', () => {
    throw awsError('QueueDoesNotExist', 400);
  });
  expect(await code()).toBe('NOT_CONNECTED');
  aheadMs = 71_000;
  expect(await code()).toBe('NOT_FOUND');
  await driver.close();
});

test('a name can be used again only after a minute: a conflict that passes', async () => {
  const client = scriptedClient();
  client.on('GetQueueUrl', () => {
    throw awsError('QueueDoesNotExist', 400);
  });
  client.on('CreateQueue', () => {
    throw awsError('QueueDeletedRecently', 400);
  });
  const driver = await driverOn(client);
  const plan = { destinations: [{ address: standard, groups: [] }] };
  const error: unknown = await driver.provision(plan, 'create').catch((failure: unknown) => failure);
  expect(driver.classifyError(error)).toMatchObject({ code: 'CONFLICT', retryable: true, retryAfterMs: 60_000 });
  await driver.close();
});

test('a queue that was deleted and made again is sent to under its new address', async () => {
  const client = scriptedClient();
  let address = 'https://sqs/old';
  client.on('GetQueueUrl', () => ({ QueueUrl: address }));
  const driver = await driverOn(client);
  const sender = await driver.openSender(standard);
  client.on('SendMessageBatch', () => {
    throw awsError('QueueDoesNotExist', 400);
  });
  const error: unknown = await sender.sendBatch(messages('a'), { signal }).catch((failure: unknown) => failure);
  expect(driver.classifyError(error)).toMatchObject({ code: 'NOT_FOUND', outcome: 'not-sent' });
  address = 'https://sqs/new';
  client.on('SendMessageBatch', ({ Entries }) => ({ Successful: Entries, Failed: [] }));
  expect(await sender.sendBatch(messages('a'), { signal })).toMatchObject([{ ok: true }]);
  expect(client.of('SendMessageBatch').map(({ input }) => input['QueueUrl'])).toEqual(['https://sqs/old', address]);
  await driver.close();
});

test('a repeated send of a FIFO queue has the same deduplication id, another send of the same id a new one', async () => {
  const client = scriptedClient();
  const driver = await driverOn(client);
  const sender = await driver.openSender(fifo);
  const [first, second] = [messages('a'), messages('a')];
  for (const batch of [first, first, second]) await sender.sendBatch(batch, { signal });
  const ids = client.of('SendMessageBatch').map(({ input }) => entriesOf(input)[0]?.['MessageDeduplicationId']);
  expect(ids[0]).toBe(ids[1]);
  expect(ids[2]).not.toBe(ids[0]);
  await driver.close();
});

test('a message that was received often is a suspect; only the marks of its queue count as deaths', async () => {
  const client = scriptedClient();
  client.on(
    'ReceiveMessage',
    bringing([rawMessage('a'), rawMessage('b', { receives: 3 }), rawMessage('c', { receives: 9 })]),
  );
  client.on('ListQueueTags', () => ({ Tags: { 'anymq-run-c': '2@1', team: 'orders' } }));
  client.on('TagQueue', () => ({}));
  client.on('UntagQueue', () => ({}));
  const driver = await driverOn(client);
  const { receiver } = await opened(driver);
  const received = await receiver.receive(wanted);
  expect(received.map(({ suspect, crashCount }) => [suspect === true, crashCount])).toEqual([
    [false, 0],
    [true, 0],
    [true, 2],
  ]);
  const token = received[2]?.token ?? '';
  await receiver.markStarted?.([token]);
  expect(Object.keys(client.of('TagQueue')[0]?.input['Tags'] as object)).toEqual(['anymq-run-c']);
  await receiver.settleBatch([{ token, outcome: acknowledge }]);
  expect(client.of('UntagQueue')[0]?.input['TagKeys']).toEqual(['anymq-run-c']);
  await driver.close();
});

test('a mark is taken back, and the receive not counted, when the lease was lost and the process lives', async () => {
  const client = scriptedClient();
  const [first, second] = [rawMessage('c', { receives: 2 }), rawMessage('c', { receives: 3 })];
  const third = rawMessage('d', { receives: 9 });
  client.on('ReceiveMessage', bringing([first, third], [second]));
  client.on('ListQueueTags', () => ({ Tags: { 'anymq-run-d': '2@1' } }));
  client.on('TagQueue', () => ({}));
  client.on('UntagQueue', () => ({}));
  let later = 0;
  const driver = await driverOn(client, () => Date.now() + later);
  const { receiver, lost } = await opened(driver);
  const tokens = (await receiver.receive(wanted)).map(({ token }) => token);
  await receiver.markStarted?.(tokens);
  later = 31_000;
  await receiver.extendLease(tokens);
  expect(lost).toEqual(tokens);
  await vi.waitFor(() => expect(client.of('UntagQueue')[0]?.input['TagKeys']).toEqual(['anymq-run-c']));
  expect(client.of('TagQueue').at(-1)?.input['Tags']).toEqual({
    'anymq-run-d': expect.stringMatching(/^2@/) as string,
  });
  const [again] = await receiver.receive(wanted);
  // The third receive would make a suspect, had this process not outlived the second.
  expect(again).toMatchObject({ id: expect.any(String) as string, crashCount: 0 });
  expect(again?.suspect).not.toBe(true);
  await driver.close();
});
