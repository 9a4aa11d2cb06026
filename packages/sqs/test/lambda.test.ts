import { AnymqError, defineConsumer, defineQueue, type RetryOptions } from '@anymq/core';
import { type BatchResponse, lambdaHandler, type SqsEvent } from '@anymq/sqs/lambda';
import { expect, test } from 'vitest';
import { entriesOf, failing, type ScriptedClient, scriptedClient } from './support/scripted-client.ts';

// Events and answers are those of the Lambda Developer Guide: 'Using Lambda with Amazon SQS', partial batch responses.

interface RecordOptions {
  readonly receives?: number;
  readonly group?: string;
  readonly attributes?: Readonly<Record<string, string>>;
}

function eventOf(queue: string, ...records: readonly (readonly [id: string, options?: RecordOptions])[]): SqsEvent {
  return {
    Records: records.map(([id, { receives = 1, group, attributes = {} } = {}]) => ({
      messageId: id,
      receiptHandle: `receipt-${id}`,
      body: JSON.stringify(id),
      attributes: {
        ApproximateReceiveCount: String(receives),
        SentTimestamp: String(Date.now()),
        ...(group === undefined ? {} : { MessageGroupId: group }),
      },
      messageAttributes: Object.fromEntries(
        Object.entries(attributes).map(([name, stringValue]) => [name, { dataType: 'String', stringValue }]),
      ),
      eventSourceARN: `arn:aws:sqs:eu-west-1:1:${queue}`,
    })),
  };
}

const plenty = { getRemainingTimeInMillis: () => 60_000 };
const standard = defineQueue<string>('jobs');
const ordered = defineQueue<string>('jobs', { ordering: 'key', key: (body) => body });
const once: RetryOptions = { maxAttempts: 3, backoff: () => 0 };

type Handle = (body: string) => void;

function handlerOf(
  client: ScriptedClient,
  destination: typeof standard,
  handle: Handle,
): ReturnType<typeof lambdaHandler> {
  const definition = defineConsumer(destination, { retry: once }, (body: string) => handle(body));
  return lambdaHandler(definition, { client, region: 'eu-west-1' });
}

const failedOf = ({ batchItemFailures }: BatchResponse): readonly string[] =>
  batchItemFailures.map(({ itemIdentifier }) => itemIdentifier);

test('what is handled is left to Lambda to delete; a failure goes as a copy with its attempt, and is handled as well', async () => {
  const client = scriptedClient();
  const handler = handlerOf(client, standard, (body) => {
    if (body === 'b') throw new Error('fails');
  });
  expect(await handler(eventOf('anymq_jobs', ['a'], ['b'], ['c']), plenty)).toEqual({ batchItemFailures: [] });
  const [copy, ...more] = client.of('SendMessageBatch');
  expect(more).toEqual([]);
  expect(copy?.input['QueueUrl']).toMatch(/anymq_jobs$/);
  expect(JSON.stringify(entriesOf(copy?.input ?? {})[0])).toContain('anymq-attempt');
  expect(client.of('DeleteMessageBatch')).toEqual([]);
  expect(client.of('ReceiveMessage')).toEqual([]);
});

test('at the last attempt the dead letter is written with its reason, and Lambda deletes the message', async () => {
  const client = scriptedClient();
  const handler = handlerOf(client, standard, () => {
    throw new AnymqError('TIMEOUT', 'no answer');
  });
  const last = { attributes: { anymq: JSON.stringify({ 'anymq-attempt': '3' }) } };
  expect(await handler(eventOf('anymq_jobs', ['a', last]), plenty)).toEqual({ batchItemFailures: [] });
  const [letter] = client.of('SendMessageBatch');
  expect(letter?.input['QueueUrl']).toMatch(/anymq_jobs_dead$/);
  expect(JSON.stringify(entriesOf(letter?.input ?? {})[0])).toContain('no answer');
});

test('what cannot be copied is reported as failed, and nothing else', async () => {
  const client = scriptedClient();
  client.on('SendMessageBatch', failing({ 0: { Code: 'InternalError', SenderFault: false } }));
  const handler = handlerOf(client, standard, (body) => {
    if (body === 'b') throw new Error('fails');
  });
  const soon = { getRemainingTimeInMillis: () => 2300 };
  expect(failedOf(await handler(eventOf('anymq_jobs', ['a'], ['b'], ['c']), soon))).toEqual(['b']);
});

test('in a FIFO queue all that follows a failed message in its group is reported as failed, and not run; other groups go on', async () => {
  const client = scriptedClient();
  const runs: string[] = [];
  client.on('SendMessageBatch', failing({ 0: { Code: 'InternalError', SenderFault: false } }));
  const handler = handlerOf(client, ordered, (body) => {
    runs.push(body);
    if (body === 'a2') throw new Error('fails');
  });
  const [a, b] = [{ group: 'a' }, { group: 'b' }];
  const event = eventOf('anymq_jobs.fifo', ['a1', a], ['a2', a], ['b1', b], ['a3', a], ['b2', b]);
  const soon = { getRemainingTimeInMillis: () => 2300 };
  expect(failedOf(await handler(event, soon))).toEqual(['a2', 'a3']);
  expect(runs.filter((id) => id === 'a2')).toHaveLength(3);
  expect(runs).not.toContain('a3');
  expect(runs).toContain('b2');
});

test('in a standard queue a message group is no order: only what failed is reported', async () => {
  const client = scriptedClient();
  client.on('SendMessageBatch', failing({ 0: { Code: 'InternalError', SenderFault: false } }));
  const handler = handlerOf(client, standard, (body) => {
    if (body === 'a') throw new Error('fails');
  });
  const soon = { getRemainingTimeInMillis: () => 2300 };
  const fair = { group: 'k' };
  expect(failedOf(await handler(eventOf('anymq_jobs', ['a', fair], ['b', fair]), soon))).toEqual(['a']);
});

test('when the time of the invocation runs out, what still runs is told by its signal and reported as failed', async () => {
  const client = scriptedClient();
  const aborted: unknown[] = [];
  const definition = defineConsumer(standard, { concurrency: 1 }, async (_body: string, { signal }) => {
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    aborted.push(signal.reason);
    throw new Error('gave up');
  });
  const handler = lambdaHandler(definition, { client, region: 'eu-west-1' });
  const short = { getRemainingTimeInMillis: () => 2100 };
  expect(failedOf(await handler(eventOf('anymq_jobs', ['a'], ['b']), short))).toEqual(['a', 'b']);
  expect(aborted).toHaveLength(1);
  expect(client.of('SendMessageBatch')).toEqual([]);
});

test('a delayed message of a FIFO queue is hidden until it is due, and not handled', async () => {
  const client = scriptedClient();
  const runs: string[] = [];
  const handler = handlerOf(client, ordered, (body) => void runs.push(body));
  const dueAt = Date.now() + 60_500;
  const waiting = {
    group: '.anymq-due-x',
    attributes: { anymq: JSON.stringify({ 'anymq-due': String(dueAt), ce_partitionkey: 'k' }) },
  };
  expect(failedOf(await handler(eventOf('anymq_jobs.fifo', ['a', waiting]), plenty))).toEqual(['a']);
  expect(runs).toEqual([]);
  const [hidden] = client.of('ChangeMessageVisibilityBatch');
  expect(entriesOf(hidden?.input ?? {})[0]?.['VisibilityTimeout']).toBe(60);
});

test('an event of another source is refused', async () => {
  const handler = handlerOf(scriptedClient(), standard, () => undefined);
  await expect(handler({ Records: [] }, plenty)).rejects.toMatchObject({ code: 'INVALID_OPTION' });
});
