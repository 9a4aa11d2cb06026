import {
  CancelMessageMoveTaskCommand,
  ChangeMessageVisibilityBatchCommand,
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  DeleteQueueCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  ListMessageMoveTasksCommand,
  type ListMessageMoveTasksResultEntry,
  ListQueuesCommand,
  ListQueueTagsCommand,
  type Message,
  type QueueAttributeName,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SetQueueAttributesCommand,
  StartMessageMoveTaskCommand,
  TagQueueCommand,
  UntagQueueCommand,
} from '@aws-sdk/client-sqs';
import type { AwsClient } from './client.ts';
import { isMissing } from './errors.ts';
import { answers, type BatchAnswer, batchId, type SendEntry } from './batches.ts';

export type RawMessage = Message;
/** One move of all messages of a queue, as SQS reports it. */
export type RawMove = ListMessageMoveTasksResultEntry;

export interface PollOptions {
  readonly maxMessages: number;
  readonly waitSeconds: number;
  readonly leaseSeconds: number;
  readonly signal?: AbortSignal | undefined;
}

export type Attributes = Readonly<Record<string, string>>;

/** What is done with a queue that is there. */
export type QueueEndpoint = Pick<
  SqsEndpoint,
  'url' | 'attributes' | 'send' | 'receive' | 'delete' | 'changeVisibility' | 'tags' | 'tag' | 'untag'
>;

/** One endpoint of SQS: the calls that this adapter makes, with batches answered for each entry. */
export class SqsEndpoint {
  readonly #calls: AwsClient;
  readonly #polls: AwsClient;
  readonly #urls = new Map<string, Promise<string>>();

  constructor(calls: AwsClient, polls: AwsClient) {
    this.#calls = calls;
    this.#polls = polls;
  }

  /** Of a queue that is there; remembered until `forget`. @throws QueueDoesNotExist */
  url(name: string): Promise<string> {
    let url = this.#urls.get(name);
    if (url === undefined) {
      url = this.#call<{ QueueUrl?: string }>(new GetQueueUrlCommand({ QueueName: name })).then(
        ({ QueueUrl = '' }) => QueueUrl,
      );
      this.#urls.set(name, url);
      url.catch(() => this.#urls.delete(name));
    }
    return url;
  }

  /** Undefined when there is none. Always asks. */
  async find(name: string): Promise<string | undefined> {
    this.forget(name);
    try {
      return await this.url(name);
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  forget(name: string): void {
    this.#urls.delete(name);
  }

  async create(name: string, attributes: Attributes, tags: Attributes): Promise<string> {
    const given = Object.keys(tags).length === 0 ? {} : { tags };
    const command = new CreateQueueCommand({ QueueName: name, Attributes: attributes, ...given });
    const { QueueUrl = '' } = await this.#call<{ QueueUrl?: string }>(command);
    this.#urls.set(name, Promise.resolve(QueueUrl));
    return QueueUrl;
  }

  async attributes(url: string, names: readonly QueueAttributeName[]): Promise<Attributes> {
    const command = new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: [...names] });
    return (await this.#call<{ Attributes?: Attributes }>(command)).Attributes ?? {};
  }

  async setAttributes(url: string, attributes: Attributes): Promise<void> {
    await this.#call(new SetQueueAttributesCommand({ QueueUrl: url, Attributes: attributes }));
  }

  /** Of a queue that is gone already: nothing. */
  async remove(name: string): Promise<void> {
    const url = await this.find(name);
    this.forget(name);
    if (url === undefined) return;
    try {
      await this.#call(new DeleteQueueCommand({ QueueUrl: url }));
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  }

  async tags(url: string): Promise<Attributes> {
    return (await this.#call<{ Tags?: Attributes }>(new ListQueueTagsCommand({ QueueUrl: url }))).Tags ?? {};
  }

  async tag(url: string, tags: Attributes): Promise<void> {
    await this.#call(new TagQueueCommand({ QueueUrl: url, Tags: tags }));
  }

  async untag(url: string, keys: readonly string[]): Promise<void> {
    await this.#call(new UntagQueueCommand({ QueueUrl: url, TagKeys: [...keys] }));
  }

  /** Resolves when SQS answers: about a queue that is in use here, or else a list, which needs the right to ListQueues. */
  async check(prefix: string): Promise<void> {
    const [known] = this.#urls.values();
    const url = await known?.catch(() => undefined);
    if (url === undefined) await this.#call(new ListQueuesCommand({ QueueNamePrefix: prefix, MaxResults: 1 }));
    else await this.#answers(url);
  }

  /** A queue that is gone is an answer as well. */
  async #answers(url: string): Promise<void> {
    try {
      await this.attributes(url, ['QueueArn']);
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  }

  /** At most ten. */
  async send(url: string, entries: readonly SendEntry[], signal?: AbortSignal): Promise<readonly BatchAnswer[]> {
    const Entries = entries.map(({ body, attributes, delaySeconds, groupId, deduplicationId }, index) => ({
      Id: batchId(index),
      MessageBody: body,
      MessageAttributes: attributes,
      DelaySeconds: delaySeconds,
      MessageGroupId: groupId,
      MessageDeduplicationId: deduplicationId,
    }));
    return answers(entries.length, await this.#call(new SendMessageBatchCommand({ QueueUrl: url, Entries }), signal));
  }

  async receive(url: string, { maxMessages, waitSeconds, leaseSeconds, signal }: PollOptions): Promise<RawMessage[]> {
    const command = new ReceiveMessageCommand({
      QueueUrl: url,
      MaxNumberOfMessages: maxMessages,
      WaitTimeSeconds: waitSeconds,
      VisibilityTimeout: leaseSeconds,
      MessageAttributeNames: ['All'],
      MessageSystemAttributeNames: ['ApproximateReceiveCount', 'SentTimestamp', 'MessageGroupId', 'SequenceNumber'],
    });
    const { Messages = [] } = await send<{ Messages?: Message[] }>(this.#polls, command, signal);
    return Messages;
  }

  /** At most ten. */
  async delete(url: string, receipts: readonly string[]): Promise<readonly BatchAnswer[]> {
    const Entries = receipts.map((receipt, index) => ({ Id: batchId(index), ReceiptHandle: receipt }));
    return answers(receipts.length, await this.#call(new DeleteMessageBatchCommand({ QueueUrl: url, Entries })));
  }

  /** At most ten. */
  async changeVisibility(
    url: string,
    items: readonly { readonly receipt: string; readonly seconds: number }[],
  ): Promise<readonly BatchAnswer[]> {
    const Entries = items.map(({ receipt, seconds }, index) => ({
      Id: batchId(index),
      ReceiptHandle: receipt,
      VisibilityTimeout: seconds,
    }));
    const command = new ChangeMessageVisibilityBatchCommand({ QueueUrl: url, Entries });
    return answers(items.length, await this.#call(command));
  }

  /** Of the messages of a dead-letter queue. Resolves with what `cancelMove` takes. */
  async startMove(sourceArn: string, destinationArn?: string, ratePerSecond?: number): Promise<string> {
    const command = new StartMessageMoveTaskCommand({
      SourceArn: sourceArn,
      DestinationArn: destinationArn,
      MaxNumberOfMessagesPerSecond: ratePerSecond,
    });
    return (await this.#call<{ TaskHandle?: string }>(command)).TaskHandle ?? '';
  }

  /** The last that was begun. */
  async lastMove(sourceArn: string): Promise<RawMove | undefined> {
    const command = new ListMessageMoveTasksCommand({ SourceArn: sourceArn, MaxResults: 1 });
    return (await this.#call<{ Results?: readonly RawMove[] }>(command)).Results?.[0];
  }

  /** Resolves with how many it has moved. */
  async cancelMove(handle: string): Promise<number> {
    const command = new CancelMessageMoveTaskCommand({ TaskHandle: handle });
    const { ApproximateNumberOfMessagesMoved: moved = 0 } = await this.#call<{
      ApproximateNumberOfMessagesMoved?: number;
    }>(command);
    return moved;
  }

  #call<Output>(command: object, signal?: AbortSignal): Promise<Output> {
    return send<Output>(this.#calls, command, signal);
  }
}

async function send<Output>(client: AwsClient, command: object, signal?: AbortSignal): Promise<Output> {
  const output = await client.send(command as never, signal && { abortSignal: signal });
  return (output ?? {}) as Output;
}
