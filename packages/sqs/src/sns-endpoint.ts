import type * as SnsSdk from '@aws-sdk/client-sns';
import type { AwsClient } from './client.ts';
import { answers, type BatchAnswer, batchId, type SendEntry } from './batches.ts';
import { isMissing, ownError } from './errors.ts';

type Sdk = typeof SnsSdk;
export type TopicAttributes = Readonly<Record<string, string>>;

export interface Subscription {
  readonly arn: string;
  readonly endpoint: string;
}

/** SNS: the calls that this adapter makes. */
export class SnsEndpoint {
  readonly #sdk: Sdk;
  readonly #client: AwsClient;
  readonly #arns = new Map<string, string>();

  constructor(sdk: Sdk, client: AwsClient) {
    this.#sdk = sdk;
    this.#client = client;
  }

  /** @throws NOT_FOUND */
  async arn(name: string): Promise<string> {
    const arn = this.#arns.get(name) ?? (await this.find(name));
    if (arn === undefined) throw ownError('NOT_FOUND', 'The topic does not exist.');
    return arn;
  }

  /** Undefined when there is none. Always asks; SNS can only list, a hundred at a time. */
  async find(name: string): Promise<string | undefined> {
    let token: string | undefined;
    do {
      const command = new this.#sdk.ListTopicsCommand({ NextToken: token });
      const { Topics = [], NextToken } = await this.#send<{
        Topics?: readonly { readonly TopicArn?: string }[];
        NextToken?: string;
      }>(command);
      const found = Topics.find(({ TopicArn = '' }) => TopicArn.endsWith(`:${name}`))?.TopicArn;
      if (found !== undefined) {
        this.#arns.set(name, found);
        return found;
      }
      token = NextToken === '' ? undefined : NextToken;
    } while (token !== undefined);
    this.#arns.delete(name);
    return undefined;
  }

  async create(name: string, attributes: TopicAttributes, tags: TopicAttributes): Promise<string> {
    const Tags = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
    const command = new this.#sdk.CreateTopicCommand({
      Name: name,
      Attributes: { ...attributes },
      ...(Tags.length === 0 ? {} : { Tags }),
    });
    const { TopicArn = '' } = await this.#send<{ TopicArn?: string }>(command);
    this.#arns.set(name, TopicArn);
    return TopicArn;
  }

  async remove(name: string): Promise<void> {
    const arn = await this.find(name);
    this.#arns.delete(name);
    if (arn !== undefined) await this.#send(new this.#sdk.DeleteTopicCommand({ TopicArn: arn }));
  }

  /** Every queue that is subscribed. Of a topic that is gone: none. */
  async subscriptions(arn: string): Promise<Subscription[]> {
    const all: Subscription[] = [];
    let token: string | undefined;
    do {
      const command = new this.#sdk.ListSubscriptionsByTopicCommand({ TopicArn: arn, NextToken: token });
      const page = await this.#unlessMissing<SubscriptionPage>(command);
      for (const { Protocol, SubscriptionArn = '', Endpoint = '' } of page?.Subscriptions ?? [])
        if (Protocol === 'sqs' && SubscriptionArn.startsWith('arn:'))
          all.push({ arn: SubscriptionArn, endpoint: Endpoint });
      token = page?.NextToken === '' ? undefined : page?.NextToken;
    } while (token !== undefined);
    return all;
  }

  async subscribe(topic: string, queue: string, attributes: TopicAttributes): Promise<void> {
    await this.#send(
      new this.#sdk.SubscribeCommand({
        TopicArn: topic,
        Protocol: 'sqs',
        Endpoint: queue,
        ReturnSubscriptionArn: true,
        Attributes: { ...attributes },
      }),
    );
  }

  async subscriptionAttributes(arn: string): Promise<TopicAttributes> {
    const command = new this.#sdk.GetSubscriptionAttributesCommand({ SubscriptionArn: arn });
    return (await this.#unlessMissing<{ Attributes?: TopicAttributes }>(command))?.Attributes ?? {};
  }

  async setSubscriptionAttribute(arn: string, name: string, value: string): Promise<void> {
    const command = new this.#sdk.SetSubscriptionAttributesCommand({
      SubscriptionArn: arn,
      AttributeName: name,
      AttributeValue: value,
    });
    await this.#send(command);
  }

  async unsubscribe(arn: string): Promise<void> {
    await this.#unlessMissing(new this.#sdk.UnsubscribeCommand({ SubscriptionArn: arn }));
  }

  /** At most ten. */
  async publish(arn: string, entries: readonly SendEntry[], signal?: AbortSignal): Promise<readonly BatchAnswer[]> {
    const PublishBatchRequestEntries = entries.map(({ body, attributes, groupId, deduplicationId }, index) => ({
      Id: batchId(index),
      Message: body,
      MessageAttributes: attributes,
      MessageGroupId: groupId,
      MessageDeduplicationId: deduplicationId,
    }));
    const command = new this.#sdk.PublishBatchCommand({ TopicArn: arn, PublishBatchRequestEntries });
    return answers(entries.length, await this.#send(command, signal));
  }

  async #send<Output>(command: object, signal?: AbortSignal): Promise<Output> {
    const output = await this.#client.send(command as never, signal && { abortSignal: signal });
    return (output ?? {}) as Output;
  }

  async #unlessMissing<Output>(command: object): Promise<Output | undefined> {
    try {
      return await this.#send<Output>(command);
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }
}

interface SubscriptionPage {
  readonly Subscriptions?: readonly {
    readonly Protocol?: string;
    readonly SubscriptionArn?: string;
    readonly Endpoint?: string;
  }[];
  readonly NextToken?: string;
}
