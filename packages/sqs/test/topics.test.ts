import type { Driver, ProvisionMode, ProvisionResult } from '@anymq/core/driver';
import { createSqsDriver, sqs, type SqsDriverOptions } from '@anymq/sqs';
import { sharedBroker } from '@anymq/testing/brokers';
import { SNS } from '@aws-sdk/client-sns';
import { SQS } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const broker = sharedBroker('sqs');
const topic = { kind: 'topic', name: 'news', ordering: 'none', partitions: 8 } as const;
const credentials = { accessKeyId: 'anymq', secretAccessKey: 'anymq' };

describe.runIf(broker !== undefined)('what has drifted', () => {
  const options: SqsDriverOptions = broker === undefined ? {} : sqs.parseUrl(broker.url);
  const where = { endpoint: String(options.snsEndpoint), region: String(options.region), credentials };
  const [sns, queues] = [new SNS(where), new SQS(where)];
  let driver: Driver;
  beforeAll(async () => {
    driver = await createSqsDriver({ ...options, namespace: 'drift' });
    await provisioned('create');
  });
  afterAll(async () => {
    await driver.remove(topic);
    await driver.close();
    sns.destroy();
    queues.destroy();
  });

  function provisioned(
    mode: ProvisionMode,
    filter: Readonly<Record<string, string>> = { language: 'de' },
  ): Promise<ProvisionResult> {
    return driver.provision(
      { destinations: [{ address: topic, groups: [{ name: 'readers', filter, startAt: 'latest' }] }] },
      mode,
    );
  }

  async function subscription(): Promise<string> {
    const { Topics = [] } = await sns.listTopics({});
    const TopicArn = Topics.find((each) => each.TopicArn?.endsWith(':drift_news'))?.TopicArn;
    const { Subscriptions = [] } = await sns.listSubscriptionsByTopic({ TopicArn });
    expect(Subscriptions).toHaveLength(1);
    return String(Subscriptions[0]?.SubscriptionArn);
  }

  test('of a subscription is reported by validate, and repaired where things are made', async () => {
    const SubscriptionArn = await subscription();
    await sns.setSubscriptionAttributes({
      SubscriptionArn,
      AttributeName: 'RawMessageDelivery',
      AttributeValue: 'false',
    });
    const { differences } = await provisioned('validate', { language: 'fr' });
    expect(differences).toHaveLength(2);
    expect(differences.join()).toMatch(/FilterPolicy.*RawMessageDelivery|RawMessageDelivery.*FilterPolicy/);
    expect(await provisioned('create', { language: 'fr' })).toEqual({ created: [], differences: [] });
    expect(await provisioned('validate', { language: 'fr' })).toEqual({ created: [], differences: [] });
    const { Attributes } = await sns.getSubscriptionAttributes({ SubscriptionArn });
    expect(Attributes).toMatchObject({ RawMessageDelivery: 'true', FilterPolicy: '{"language":["fr"]}' });
  });

  test("of a queue's policy is reported and added again, beside what others have written there", async () => {
    const { QueueUrl } = await queues.getQueueUrl({ QueueName: 'drift_news_readers' });
    const foreign = { Sid: 'theirs', Effect: 'Allow', Principal: '*', Action: 'sqs:SendMessage', Resource: '*' };
    await queues.setQueueAttributes({
      QueueUrl,
      Attributes: { Policy: JSON.stringify({ Version: '2012-10-17', Id: 'kept', Statement: foreign }) },
    });
    expect((await provisioned('validate', { language: 'fr' })).differences).toHaveLength(1);
    await provisioned('create', { language: 'fr' });
    await provisioned('create', { language: 'fr' });
    const { Attributes = {} } = await queues.getQueueAttributes({ QueueUrl, AttributeNames: ['Policy'] });
    const policy = JSON.parse(String(Attributes.Policy)) as {
      readonly Id: string;
      readonly Statement: readonly object[];
    };
    expect(policy.Id).toBe('kept');
    expect(policy.Statement).toHaveLength(2);
    expect(policy.Statement[0]).toEqual(foreign);
    expect(policy.Statement[1]).toMatchObject({ Sid: 'anymq-drift_news', Principal: { Service: 'sns.amazonaws.com' } });
  });

  test('a filter that SNS cannot see is refused', async () => {
    const four = { a: '1', b: '2', c: '3', d: '4' };
    for (const filter of [{ 'with space': 'x' }, { ce_id: 'x' }, four])
      await expect(provisioned('create', filter)).rejects.toMatchObject({ code: 'INVALID_OPTION' });
  });

  test('a redrive policy that would set messages aside early is reported, and left', async () => {
    const { QueueUrl } = await queues.getQueueUrl({ QueueName: 'drift_news_readers' });
    const { Attributes = {} } = await queues.getQueueAttributes({ QueueUrl, AttributeNames: ['RedrivePolicy'] });
    const policy = JSON.parse(String(Attributes.RedrivePolicy)) as object;
    await queues.setQueueAttributes({
      QueueUrl,
      Attributes: { RedrivePolicy: JSON.stringify({ ...policy, maxReceiveCount: 3 }) },
    });
    const { differences } = await provisioned('create', { language: 'fr' });
    expect(differences).toEqual([expect.stringContaining('maxReceiveCount of 3')]);
  });
});
