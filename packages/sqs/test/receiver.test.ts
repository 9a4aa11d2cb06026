import { expect, test, vi } from 'vitest';
import { acknowledge, driverOn, opened, release, wanted } from './support/opened.ts';
import {
  bringing,
  entriesOf,
  failing,
  rawMessage,
  type ScriptedClient,
  scriptedClient,
} from './support/scripted-client.ts';

// What a receiver asks of SQS and when: polls, leases, and what goes back.

test('a lease that cannot be extended is lost; a call that fails may be repeated', async () => {
  const client = scriptedClient();
  client.on('ReceiveMessage', bringing([rawMessage('a'), rawMessage('b')]));
  client.on('ChangeMessageVisibilityBatch', failing({ 1: { Code: 'MessageNotInflight', SenderFault: true } }));
  const driver = await driverOn(client);
  const { receiver, lost } = await opened(driver);
  const tokens = (await receiver.receive(wanted)).map(({ token }) => token);
  await receiver.extendLease(tokens);
  expect(lost).toEqual([tokens[1]]);
  client.on('ChangeMessageVisibilityBatch', failing({ 0: { Code: 'ServiceUnavailable', SenderFault: false } }));
  await expect(receiver.extendLease(tokens)).rejects.toThrow('refused one entry');
  await driver.close();
});

test('an extension that finds a message deleted while its delete is under way does not make it a loss', async () => {
  const client = scriptedClient();
  client.on('ReceiveMessage', bringing([rawMessage('a')]));
  const deleted = Promise.withResolvers<object>();
  client.on('DeleteMessageBatch', () => deleted.promise);
  client.on('ChangeMessageVisibilityBatch', failing({ 0: { Code: 'ReceiptHandleIsInvalid', SenderFault: true } }));
  const driver = await driverOn(client);
  const { receiver, lost } = await opened(driver);
  const [{ token } = { token: '' }] = await receiver.receive(wanted);
  const settling = receiver.settleBatch([{ token, outcome: acknowledge }]);
  await receiver.extendLease([token]);
  deleted.resolve({ Successful: [{ Id: '0' }] });
  expect(await settling).toEqual([{ ok: true }]);
  expect(lost).toEqual([]);
  await driver.close();
});

test('an idle receiver has one call under way, of 20 s; closing cuts it, and no delete', async () => {
  const client = scriptedClient();
  client.on('ReceiveMessage', bringing([rawMessage('a')]));
  const driver = await driverOn(client);
  const { receiver } = await opened(driver);
  const [{ token } = { token: '' }] = await receiver.receive({ ...wanted, maxMessages: 100 });
  const waiting = receiver.receive({ ...wanted, maxMessages: 100 });
  await vi.waitFor(() => expect(client.of('ReceiveMessage')).toHaveLength(2));
  await receiver.settleBatch([{ token, outcome: acknowledge }]);
  await receiver.close();
  expect(await waiting).toEqual([]);
  const polls = client.of('ReceiveMessage');
  expect(polls.map(({ input }) => input['WaitTimeSeconds'])).toEqual([20, 20]);
  expect(polls[1]?.signal?.aborted).toBe(true);
  expect(client.of('DeleteMessageBatch').map((call) => call.signal)).toEqual([undefined]);
  await driver.close();
});

test('a message is extended as far as the 12 hours of SQS, and lost then; no extension makes it visible', async () => {
  const client = scriptedClient();
  client.on('ReceiveMessage', bringing([rawMessage('a')]));
  let now = Date.now();
  const driver = await driverOn(client, () => now);
  const { receiver, lost } = await opened(driver, { leaseMs: 43_199_000 });
  const [{ token } = { token: '' }] = await receiver.receive(wanted);
  const receivedAt = now;
  for (const elapsedMs of [1000, 43_180_000, 43_198_500, 43_199_900]) {
    now = receivedAt + elapsedMs;
    await receiver.extendLease([token]);
  }
  const seconds = client
    .of('ChangeMessageVisibilityBatch')
    .map(({ input }) => entriesOf(input)[0]?.['VisibilityTimeout']);
  expect(seconds).toEqual([43_198, 19]);
  expect(lost).toEqual([token]);
  await driver.close();
});

test('an idle receiver costs three receives a minute', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
  try {
    const client = scriptedClient();
    // Nothing comes: SQS answers when the wait is over.
    client.on('ReceiveMessage', async ({ WaitTimeSeconds }, aborted) => {
      await new Promise<void>((resolve) => {
        setTimeout(resolve, Number(WaitTimeSeconds) * 1000);
        aborted?.addEventListener('abort', () => resolve(), { once: true });
      });
      return {};
    });
    const driver = await driverOn(client);
    const { receiver } = await opened(driver);
    const over = Date.now() + 600_000;
    const idle = (async (): Promise<void> => {
      while (Date.now() < over) expect(await receiver.receive(wanted)).toEqual([]);
    })();
    await vi.advanceTimersByTimeAsync(599_000);
    expect(client.of('ReceiveMessage')).toHaveLength(30);
    expect(client.calls.filter(({ name }) => name !== 'ReceiveMessage' && name !== 'GetQueueUrl')).toEqual([]);
    await vi.advanceTimersByTimeAsync(1000);
    await idle;
    await driver.close();
  } finally {
    vi.useRealTimers();
  }
});

test('polls become more while they come back full, and never more than those that what is asked for fills', async () => {
  const client = scriptedClient();
  const answers: ((messages: readonly object[]) => void)[] = [];
  let sent = 0;
  client.on('ReceiveMessage', async (_input, aborted) => {
    const { promise, resolve } = Promise.withResolvers<readonly object[]>();
    answers.push(resolve);
    aborted?.addEventListener('abort', () => resolve([]), { once: true });
    return { Messages: await promise };
  });
  const driver = await driverOn(client);
  const { receiver } = await opened(driver);
  /** Answers all that wait, with ten each; resolves with how many waited. */
  const round = async (): Promise<number> => {
    const received = receiver.receive({ ...wanted, maxMessages: 35 });
    await vi.waitFor(() => expect(answers.length).toBeGreaterThan(0));
    const waiting = answers.splice(0);
    for (const answer of waiting) answer(Array.from({ length: 10 }, () => rawMessage(String((sent += 1)))));
    await received;
    return waiting.length;
  };
  expect([await round(), await round(), await round(), await round()]).toEqual([1, 2, 3, 3]);
  await receiver.close();
  await driver.close();
});

test('what comes while nobody waits any more goes back at once', async () => {
  const client = scriptedClient();
  const arrival = Promise.withResolvers<object>();
  client.on('ReceiveMessage', () => arrival.promise);
  const driver = await driverOn(client);
  const { receiver } = await opened(driver);
  const controller = new AbortController();
  const receiving = receiver.receive({ ...wanted, signal: controller.signal });
  await vi.waitFor(() => expect(client.of('ReceiveMessage')).toHaveLength(1));
  controller.abort();
  expect(await receiving).toEqual([]);
  arrival.resolve({ Messages: [rawMessage('a')] });
  await vi.waitFor(() => expect(client.of('ChangeMessageVisibilityBatch')).toHaveLength(1));
  expect(entriesOf(client.of('ChangeMessageVisibilityBatch')[0]?.input ?? {})).toMatchObject([
    { VisibilityTimeout: 0 },
  ]);
  client.on('ReceiveMessage', bringing());
  await driver.close();
});

test('of a message group what follows goes back before what it follows', async () => {
  const client = scriptedClient();
  client.on('ReceiveMessage', bringing(['1', '2', '3'].map((id) => rawMessage(id, { group: 'a' }))));
  const driver = await driverOn(client);
  const { receiver } = await opened(driver, { ordered: true });
  const received = await receiver.receive(wanted);
  expect(received.map(({ key }) => key)).toEqual(['a', 'a', 'a']);
  await receiver.settleBatch(received.map(({ token }) => ({ token, outcome: release })));
  const [call] = client.of('ChangeMessageVisibilityBatch');
  expect(entriesOf(call?.input ?? {}).map((entry) => entry['ReceiptHandle'])).toEqual([
    'receipt-3',
    'receipt-2',
    'receipt-1',
  ]);
  await driver.close();
});

test('what came with a message that goes back, and was not handed out, goes back before it', async () => {
  const client = scriptedClient();
  const group = { group: 'a' };
  const raws = [
    rawMessage('1', group),
    rawMessage('2', group),
    rawMessage('other', { group: 'b' }),
    rawMessage('3', group),
  ];
  client.on('ReceiveMessage', bringing(raws));
  const driver = await driverOn(client);
  const { receiver } = await opened(driver, { ordered: true });
  const received = await receiver.receive({ ...wanted, maxMessages: 1 });
  await expect(receiver.settleBatch(received.map(({ token }) => ({ token, outcome: release })))).resolves.toEqual([
    { ok: true },
  ]);
  const released = client.of('ChangeMessageVisibilityBatch').flatMap(({ input }) => entriesOf(input));
  expect(released.map(({ ReceiptHandle }) => ReceiptHandle)).toEqual(['receipt-3', 'receipt-2', 'receipt-1']);
  const next = await receiver.receive(wanted);
  expect(next.map(({ token }) => (token as { messageId: string }).messageId)).toEqual(['other']);
  await driver.close();
});

test('what was received beyond what was asked for goes back at the abort that says that nobody asks any more; close waits for it', async () => {
  const client = scriptedClient();
  client.on('ReceiveMessage', bringing(['1', '2', '3'].map((id) => rawMessage(id))));
  const answer = Promise.withResolvers<object>();
  client.on('ChangeMessageVisibilityBatch', () => answer.promise);
  const driver = await driverOn(client);
  const { receiver } = await opened(driver);
  const controller = new AbortController();
  const first = await receiver.receive({ ...wanted, signal: controller.signal, maxMessages: 1 });
  controller.abort();
  await vi.waitFor(() => expect(client.of('ChangeMessageVisibilityBatch')).toHaveLength(1));
  expect(releasedBy(client)).toEqual(['receipt-2', 'receipt-3']);
  await receiver.settleBatch(first.map(({ token }) => ({ token, outcome: acknowledge })));
  let isClosed = false;
  const closing = receiver.close().then(() => (isClosed = true));
  await new Promise((resolve) => setImmediate(resolve));
  expect(isClosed).toBe(false);
  answer.resolve({ Successful: [{ Id: '0' }, { Id: '1' }] });
  await closing;
  expect(client.of('ChangeMessageVisibilityBatch')).toHaveLength(1);
  await driver.close();
});

test('a release waits for an extension that is under way, which would hide the message again', async () => {
  const client = scriptedClient();
  client.on('ReceiveMessage', bringing([rawMessage('a')]));
  const extended = Promise.withResolvers<object>();
  const seconds: unknown[] = [];
  client.on('ChangeMessageVisibilityBatch', (input) => {
    const [entry] = entriesOf(input);
    seconds.push(entry?.['VisibilityTimeout']);
    return seconds.length === 1 ? extended.promise : { Successful: [{ Id: '0' }] };
  });
  const driver = await driverOn(client);
  const { receiver, lost } = await opened(driver);
  const [{ token } = { token: '' }] = await receiver.receive(wanted);
  const extending = receiver.extendLease([token]);
  const releasing = receiver.settleBatch([{ token, outcome: release }]);
  await new Promise((resolve) => setImmediate(resolve));
  expect(seconds).toEqual([30]);
  extended.resolve({ Successful: [{ Id: '0' }] });
  await extending;
  expect(await releasing).toEqual([{ ok: true }]);
  expect(seconds).toEqual([30, 0]);
  expect(lost).toEqual([]);
  await driver.close();
});

test('what is on its way back is not extended', async () => {
  const client = scriptedClient();
  client.on('ReceiveMessage', bringing([rawMessage('a')]));
  const released = Promise.withResolvers<object>();
  client.on('ChangeMessageVisibilityBatch', () => released.promise);
  const driver = await driverOn(client);
  const { receiver } = await opened(driver);
  const [{ token } = { token: '' }] = await receiver.receive(wanted);
  const releasing = receiver.settleBatch([{ token, outcome: release }]);
  await vi.waitFor(() => expect(client.of('ChangeMessageVisibilityBatch')).toHaveLength(1));
  await receiver.extendLease([token]);
  expect(client.of('ChangeMessageVisibilityBatch')).toHaveLength(1);
  released.resolve({ Successful: [{ Id: '0' }] });
  expect(await releasing).toEqual([{ ok: true }]);
  await driver.close();
});

function releasedBy(client: ScriptedClient): readonly unknown[] {
  const calls = client.of('ChangeMessageVisibilityBatch').flatMap(({ input }) => entriesOf(input));
  return calls.filter((entry) => entry['VisibilityTimeout'] === 0).map((entry) => entry['ReceiptHandle']);
}
