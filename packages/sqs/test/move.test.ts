import { AnymqError } from '@anymq/core';
import { sqs, type SqsDriverOptions } from '@anymq/sqs';
import { moveDeadLetters, type MoveProgress } from '@anymq/sqs/move';
import { sharedBroker } from '@anymq/testing/brokers';
import { SQS } from '@aws-sdk/client-sqs';
import { afterAll, describe, expect, test } from 'vitest';
import { awsError, type ScriptedClient, scriptedClient } from './support/scripted-client.ts';

const broker = sharedBroker('sqs');

describe.runIf(broker !== undefined)('a task of ElasticMQ', () => {
  const options: SqsDriverOptions = broker === undefined ? {} : sqs.parseUrl(broker.url);
  const credentials = { accessKeyId: 'anymq', secretAccessKey: 'anymq' };
  const admin = new SQS({ endpoint: String(options.endpoint), region: String(options.region), credentials });
  const urls: string[] = [];
  afterAll(async () => {
    for (const QueueUrl of urls) await admin.deleteQueue({ QueueUrl });
    admin.destroy();
  });

  async function create(name: string, attributes: Readonly<Record<string, string>> = {}): Promise<string> {
    const { QueueUrl = '' } = await admin.createQueue({ QueueName: name, Attributes: { ...attributes } });
    urls.push(QueueUrl);
    return QueueUrl;
  }

  async function arnOf(QueueUrl: string): Promise<string> {
    const { Attributes = {} } = await admin.getQueueAttributes({ QueueUrl, AttributeNames: ['QueueArn'] });
    return String(Attributes.QueueArn);
  }

  /** A queue of another program, and what it has set aside. */
  async function filled(name: string, count: number): Promise<{ readonly queue: string; readonly dead: string }> {
    const dead = await create(`${name}-dlq`);
    const RedrivePolicy = JSON.stringify({ deadLetterTargetArn: await arnOf(dead), maxReceiveCount: 1 });
    const queue = await create(name, { RedrivePolicy });
    for (let n = 0; n < count; n++) await admin.sendMessage({ QueueUrl: dead, MessageBody: String(n) });
    return { queue, dead };
  }

  async function countOf(QueueUrl: string): Promise<number> {
    const names = ['ApproximateNumberOfMessages' as const];
    const { Attributes = {} } = await admin.getQueueAttributes({ QueueUrl, AttributeNames: names });
    return Number(Attributes.ApproximateNumberOfMessages);
  }

  test('sends everything to the queue that is named, and says how much it was', async () => {
    const { queue, dead } = await filled('foreign', 30);
    const done = await moveDeadLetters({ from: 'foreign-dlq', to: 'foreign' }, options);
    expect(done).toEqual({ moved: 30, status: 'completed' });
    expect([await countOf(queue), await countOf(dead)]).toEqual([30, 0]);
  });

  test('is cancelled by the signal; a second one meanwhile is a conflict', async () => {
    await filled('slow', 20);
    const controller = new AbortController();
    const second = Promise.withResolvers<unknown>();
    const seen: MoveProgress[] = [];
    const done = await moveDeadLetters(
      {
        from: 'slow-dlq',
        to: 'slow',
        ratePerSecond: 1,
        signal: controller.signal,
        onProgress(progress) {
          seen.push(progress);
          if (seen.length > 1) return;
          moveDeadLetters({ from: 'slow-dlq', to: 'slow' }, options)
            .then(second.resolve, second.resolve)
            .finally(() => controller.abort());
        },
      },
      options,
    );
    expect(done.status).toBe('cancelled');
    expect(done.moved).toBeLessThan(20);
    expect(await second.promise).toMatchObject({ code: 'CONFLICT' });
  });

  test('needs queues that are there', async () => {
    await expect(moveDeadLetters({ from: 'nothing-here' }, options)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe('a task of SQS, by its API reference', () => {
  const arn = 'arn:aws:sqs:eu-west-1:1:dlq';

  function scripted(...tasks: readonly object[]): ScriptedClient {
    const client = scriptedClient();
    const left = [...tasks];
    client.on('GetQueueAttributes', () => ({ Attributes: { QueueArn: arn } }));
    client.on('StartMessageMoveTask', () => ({ TaskHandle: 'handle' }));
    client.on('ListMessageMoveTasks', () => ({ Results: [left.length > 1 ? left.shift() : left[0]] }));
    return client;
  }

  const failing = (client: ScriptedClient, move: object = {}): Promise<unknown> =>
    moveDeadLetters({ from: 'dlq', ...move }, { client, region: 'eu-west-1' }).catch((error: unknown) => error);

  test.each([
    ['CouldNotDetermineMessageSource', 'INVALID_OPTION', /name the queue as `to`/],
    ['AccessDenied', 'ACCESS_DENIED', /about 7 messages/],
  ])('that failed with %s is %s', async (FailureReason, code, text) => {
    const error = await failing(scripted({ Status: 'FAILED', FailureReason, ApproximateNumberOfMessagesMoved: 7 }));
    expect(error).toBeInstanceOf(AnymqError);
    expect(error).toMatchObject({ code, message: expect.stringMatching(text) as string });
  });

  test('from a queue that is no dead-letter queue is refused', async () => {
    const client = scripted();
    client.on('StartMessageMoveTask', () => {
      throw awsError('InvalidParameterValueException', 400);
    });
    expect(await failing(client)).toMatchObject({
      code: 'INVALID_OPTION',
      cause: { name: 'InvalidParameterValueException' },
    });
  });

  test('that has ended when it is cancelled has ended', async () => {
    const client = scripted({ Status: 'COMPLETED', ApproximateNumberOfMessagesMoved: 9 });
    client.on('CancelMessageMoveTask', () => {
      throw awsError('ResourceNotFoundException', 404);
    });
    const controller = new AbortController();
    const moving = moveDeadLetters({ from: 'dlq', signal: controller.signal }, { client, region: 'eu-west-1' });
    controller.abort();
    expect(await moving).toEqual({ moved: 9, status: 'completed' });
  });

  test('is looked at again after a call that was throttled', async () => {
    const client = scripted();
    let looks = 0;
    client.on('ListMessageMoveTasks', () => {
      if ((looks += 1) === 1) throw awsError('RequestThrottled', 400);
      return { Results: [{ Status: 'COMPLETED', ApproximateNumberOfMessagesMoved: 3 }] };
    });
    const options = { client, region: 'eu-west-1' };
    expect(await moveDeadLetters({ from: 'dlq' }, options)).toEqual({ moved: 3, status: 'completed' });
    expect(client.of('StartMessageMoveTask')).toHaveLength(1);
  });

  test.each([{ ratePerSecond: 501 }, { ratePerSecond: 0.5 }, { to: '' }, { where: () => true }])(
    '%o is refused before anything begins',
    async (move) => {
      const client = scripted();
      expect(await failing(client, move)).toMatchObject({ code: 'INVALID_OPTION' });
      expect(client.calls).toEqual([]);
    },
  );
});
