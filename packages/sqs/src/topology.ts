import type { Address, Count, Inspection } from '@anymq/core/driver';
import { type DriverContext, endpointOf } from './driver-context.ts';
import { deadLettersOf, namesOf, plain } from './names.ts';
import type { QueueEndpoint, SqsEndpoint } from './sqs-endpoint.ts';

const about = (value: number): Count => ({ value, exact: false });

/** Everything is approximate on SQS, and up to a minute late. The age of the oldest is known to CloudWatch alone. */
export async function inspect(context: DriverContext, address: Address): Promise<Inspection> {
  const { queue = '', deadLetters } = namesOf(context.namespace, address);
  const endpoint = endpointOf(context, address);
  const [own, dead] = await Promise.all([counts(endpoint, queue), counts(endpoint, deadLetters)]);
  return {
    backlog: about(own.visible),
    inFlight: about(own.inFlight),
    delayed: about(own.delayed),
    deadLetters: about(dead.visible + dead.inFlight + dead.delayed),
    oldestAgeMs: null,
  };
}

export interface QueueCounts {
  readonly visible: number;
  readonly inFlight: number;
  readonly delayed: number;
}

async function counts(endpoint: SqsEndpoint, name: string): Promise<QueueCounts> {
  return countsAt(endpoint, await endpoint.url(name));
}

export async function countsAt(endpoint: QueueEndpoint, url: string): Promise<QueueCounts> {
  const is = await endpoint.attributes(url, [
    'ApproximateNumberOfMessages',
    'ApproximateNumberOfMessagesNotVisible',
    'ApproximateNumberOfMessagesDelayed',
  ]);
  return {
    visible: Number(is['ApproximateNumberOfMessages'] ?? 0),
    inFlight: Number(is['ApproximateNumberOfMessagesNotVisible'] ?? 0),
    delayed: Number(is['ApproximateNumberOfMessagesDelayed'] ?? 0),
  };
}

/** With a group: that group alone. */
export async function remove(context: DriverContext, address: Address): Promise<void> {
  const names = namesOf(context.namespace, address);
  const endpoint = endpointOf(context, address);
  if (address.kind === 'queue') return removeQueues(endpoint, [names.queue ?? '', names.deadLetters]);
  const sns = await context.connection.sns();
  const topic = await sns.find(names.topic ?? '');
  const subscriptions = topic === undefined ? [] : await sns.subscriptions(topic);
  const { queue } = names;
  for (const { arn, endpoint: queueArn } of subscriptions) {
    const name = queueArn.split(':').at(-1) ?? '';
    if (queue === undefined ? !isGroupOf(names.topic ?? '', name) : name !== queue) continue;
    await sns.unsubscribe(arn);
    if (queue === undefined) await removeQueues(endpoint, [name, deadLettersOf(name)]);
  }
  if (queue !== undefined) await removeQueues(endpoint, [queue, names.deadLetters]);
  else if (topic !== undefined) await sns.remove(names.topic ?? '');
}

async function removeQueues(endpoint: SqsEndpoint, names: readonly string[]): Promise<void> {
  await Promise.all(names.map((name) => endpoint.remove(name)));
}

/** A queue that somebody else has subscribed is not ours to remove. */
function isGroupOf(topic: string, queue: string): boolean {
  return plain(queue).startsWith(`${plain(topic)}_`);
}
