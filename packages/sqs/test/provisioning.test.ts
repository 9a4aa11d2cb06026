import { createSqsDriver } from '@anymq/sqs';
import { expect, test } from 'vitest';
import { standard } from './support/opened.ts';
import { scriptedClient } from './support/scripted-client.ts';

// Keys of KMS are kept by no emulator here.

const plan = { destinations: [{ address: standard, groups: [] }] };
const asked = {
  region: 'eu-west-1',
  namespace: 'test',
  kmsKeyId: 'alias/ours',
  tags: { team: 'orders', stage: 'live' },
};

test('queues are made with the key and the tags that were asked for', async () => {
  const client = scriptedClient();
  client.on('GetQueueUrl', () => {
    throw Object.assign(new Error('none'), { name: 'QueueDoesNotExist' });
  });
  client.on('CreateQueue', ({ QueueName }) => ({ QueueUrl: `https://sqs/1/${String(QueueName)}` }));
  const driver = await createSqsDriver({ ...asked, client });
  await driver.provision(plan, 'create');
  const made = client.of('CreateQueue').map(({ input }) => input);
  expect(made.map(({ QueueName }) => QueueName)).toEqual(['test_jobs_dead', 'test_jobs']);
  for (const input of made)
    expect(input).toMatchObject({ tags: asked.tags, Attributes: { KmsMasterKeyId: 'alias/ours' } });
  await driver.close();
});

test('a queue that is there gets the tags it lacks, and keeps its others; validate only reports them', async () => {
  const client = scriptedClient();
  client.on('GetQueueAttributes', () => ({ Attributes: { KmsMasterKeyId: 'alias/ours' } }));
  client.on('ListQueueTags', () => ({ Tags: { team: 'orders', stage: 'test', theirs: 'kept' } }));
  client.on('TagQueue', () => ({}));
  const driver = await createSqsDriver({ ...asked, client });
  expect((await driver.provision(plan, 'validate')).differences).toEqual([
    'test_jobs_dead lacks the tags stage.',
    'test_jobs lacks the tags stage.',
  ]);
  expect(client.of('TagQueue')).toEqual([]);
  expect(await driver.provision(plan, 'create')).toEqual({ created: [], differences: [] });
  expect(client.of('TagQueue').map(({ input }) => input['Tags'])).toEqual([{ stage: 'live' }, { stage: 'live' }]);
  await driver.close();
});

test.each(['create', 'validate'] as const)(
  'another key than was asked for is a difference, and left: %s',
  async (mode) => {
    const client = scriptedClient();
    client.on('ListQueueTags', () => ({ Tags: asked.tags }));
    const driver = await createSqsDriver({ ...asked, client });
    expect((await driver.provision(plan, mode)).differences).toEqual([
      'test_jobs_dead has the KMS key none; alias/ours was asked for.',
      'test_jobs has the KMS key none; alias/ours was asked for.',
    ]);
    expect(client.of('SetQueueAttributes')).toEqual([]);
    await driver.close();
  },
);
