import { type Address, type HeaderFilter, invalidOption, type PlannedGroup } from '@anymq/core/driver';
import type { DriverContext } from './driver-context.ts';
import { isAttributeName, maxFilterHeaders } from './encoding.ts';
import { namesOf } from './names.ts';
import type { Findings } from './provisioning.ts';
import type { SnsEndpoint, Subscription } from './sns-endpoint.ts';
import type { SqsEndpoint } from './sqs-endpoint.ts';

/** Resolves with the ARN; undefined where it is not to be made. */
export async function ensureTopic(
  { namespace, tuning }: DriverContext,
  sns: SnsEndpoint,
  address: Address,
  { mode, created, differences }: Findings,
): Promise<string | undefined> {
  const { topic = '', isFifo } = namesOf(namespace, address);
  const found = await sns.find(topic);
  if (found !== undefined) return found;
  if (mode !== 'create') {
    differences.push(`The topic ${topic} does not exist.`);
    return undefined;
  }
  created.push(topic);
  const { kmsKeyId } = tuning;
  const attributes = {
    // Above 256 KiB a topic has at most 100 subscriptions: SNS API reference, CreateTopic.
    MaximumMessageSize: '1048576',
    ...(isFifo ? { FifoTopic: 'true', ContentBasedDeduplication: 'false', FifoThroughputScope: 'MessageGroup' } : {}),
    ...(kmsKeyId === undefined ? {} : { KmsMasterKeyId: kmsKeyId }),
  };
  return sns.create(topic, attributes, tuning.tags);
}

interface Ends {
  readonly sns: SnsEndpoint;
  readonly endpoint: SqsEndpoint;
  /** ARN. */
  readonly topic: string;
  /** URL. */
  readonly queue: string;
}

/** Lets the topic send to the queue, and subscribes it. What has drifted is repaired where things are made. */
export async function ensureSubscription(
  ends: Ends,
  { name, filter }: PlannedGroup,
  findings: Findings,
): Promise<void> {
  const { sns, endpoint, topic, queue } = ends;
  const { QueueArn = '', Policy } = await endpoint.attributes(queue, ['QueueArn', 'Policy']);
  await ensurePolicy(ends, QueueArn, Policy, findings);
  const wanted = subscriptionAttributes(name, filter);
  const found = (await sns.subscriptions(topic)).find((each) => each.endpoint === QueueArn);
  if (found !== undefined) return repair(sns, found, wanted, { group: name, findings });
  if (findings.mode === 'create') await sns.subscribe(topic, QueueArn, wanted);
  else findings.differences.push(`The group ${name} is not subscribed to its topic.`);
}

async function repair(
  sns: SnsEndpoint,
  { arn }: Subscription,
  wanted: Readonly<Record<string, string>>,
  { group, findings }: { readonly group: string; readonly findings: Findings },
): Promise<void> {
  const is = await sns.subscriptionAttributes(arn);
  const all = { FilterPolicy: '{}', ...wanted };
  for (const [attribute, value] of Object.entries(all)) {
    if (sameAttribute(attribute, is[attribute], value)) continue;
    if (findings.mode === 'create') await sns.setSubscriptionAttribute(arn, attribute, value);
    else
      findings.differences.push(`The subscription of the group ${group} has another ${attribute} than was asked for.`);
  }
}

function sameAttribute(name: string, is: string | undefined, wanted: string): boolean {
  switch (name) {
    case 'FilterPolicy':
      return sameJson(is ?? '{}', wanted);
    case 'FilterPolicyScope':
      return (is ?? 'MessageAttributes') === wanted;
    default:
      return is === wanted;
  }
}

function sameJson(one: string, other: string): boolean {
  try {
    return stable(JSON.parse(one === '' ? '{}' : one)) === stable(JSON.parse(other));
  } catch {
    return false;
  }
}

function stable(value: unknown): string {
  return JSON.stringify(value, (_name, each: unknown) =>
    typeof each === 'object' && each !== null && !Array.isArray(each)
      ? Object.fromEntries(Object.entries(each).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : each,
  );
}

/** @throws INVALID_OPTION for a filter that SNS cannot see */
function subscriptionAttributes(group: string, filter: HeaderFilter | undefined): Readonly<Record<string, string>> {
  if (filter === undefined || Object.keys(filter).length === 0) return { RawMessageDelivery: 'true' };
  const names = Object.keys(filter);
  const odd = names.find((name) => !isAttributeName(name));
  if (odd !== undefined || names.length > maxFilterHeaders) {
    throw invalidOption(
      `The filter of the group '${group}' can look at ${maxFilterHeaders} headers on SNS, with names of letters, digits, '_', '-' and '.'.`,
    );
  }
  const policy = Object.fromEntries(names.map((name) => [name, [filter[name] ?? ''].flat()]));
  return { RawMessageDelivery: 'true', FilterPolicy: JSON.stringify(policy), FilterPolicyScope: 'MessageAttributes' };
}

interface Statement {
  readonly Sid?: unknown;
  readonly [field: string]: unknown;
}

/** Beside whatever statements the queue's policy has. */
async function ensurePolicy(
  { endpoint, topic, queue }: Ends,
  queueArn: string,
  policy: string | undefined,
  { mode, differences }: Findings,
): Promise<void> {
  const { Statement: found, ...rest } = parsePolicy(policy);
  const statements = [found ?? []].flat() as Statement[];
  const wanted = statementFor(topic, queueArn);
  if (statements.some((each) => stable(each) === stable(wanted))) return;
  if (mode !== 'create') {
    differences.push(`The policy of ${queueArn.split(':').at(-1)} lacks the right of its topic to send.`);
    return;
  }
  const others = statements.filter(({ Sid }) => Sid !== wanted.Sid);
  const merged = { Version: '2012-10-17', ...rest, Statement: [...others, wanted] };
  await endpoint.setAttributes(queue, { Policy: JSON.stringify(merged) });
}

function parsePolicy(policy: string | undefined): { readonly Statement?: unknown } {
  return policy === undefined || policy === '' ? {} : (JSON.parse(policy) as { readonly Statement?: unknown });
}

function statementFor(topic: string, queueArn: string): Statement {
  return {
    Sid: `anymq-${topic.split(':').at(-1)}`,
    Effect: 'Allow',
    Principal: { Service: 'sns.amazonaws.com' },
    Action: 'sqs:SendMessage',
    Resource: queueArn,
    Condition: { ArnEquals: { 'aws:SourceArn': topic } },
  };
}
