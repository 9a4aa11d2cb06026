import {
  type Address,
  type Clock,
  type PlannedDestination,
  type PlannedGroup,
  type ProvisionMode,
  type ProvisionResult,
  sleep,
} from '@anymq/core/driver';
import { isMissing } from './errors.ts';
import { type DriverContext, endpointOf } from './driver-context.ts';
import { namesOf } from './names.ts';
import type { Attributes, SqsEndpoint } from './sqs-endpoint.ts';
import { ensureSubscription, ensureTopic } from './topics.ts';

/** Notes of one run. */
export interface Findings {
  readonly mode: ProvisionMode;
  readonly created: string[];
  readonly differences: string[];
}

/** Receives before SQS itself sets a message aside, at the most: SQS API reference, RedrivePolicy. A net for what no record can be written of. */
const maxReceiveCount = 1000;
/** Below this many, ordinary releases would set messages aside without a record. */
const fewReceives = 100;
/** 14 days: SQS Developer Guide, quotas. */
const retention = '1209600';

/**
 * Makes or compares one destination after the other. Queues that are there are not changed, but for the right of their topic to
 * send and the tags that were asked for.
 */
export async function provision(
  context: DriverContext,
  destinations: readonly PlannedDestination[],
  mode: ProvisionMode,
): Promise<ProvisionResult> {
  const findings: Findings = { mode, created: [], differences: [] };
  for (const { address, groups } of destinations) {
    if (address.kind === 'topic') noteFilters(context, address, groups);
    if (mode === 'assume') continue;
    if (address.kind === 'queue') await ensureQueues(context, address, findings);
    else await provisionTopic(context, address, groups, findings);
  }
  return { created: findings.created, differences: findings.differences };
}

/** A header that a filter looks at travels as an attribute of its own. */
function noteFilters(context: DriverContext, address: Address, groups: readonly PlannedGroup[]): void {
  const { topic = '' } = namesOf(context.namespace, address);
  const names = groups.flatMap(({ filter = {} }) => Object.keys(filter));
  context.filtered.set(topic, [...new Set([...(context.filtered.get(topic) ?? []), ...names])]);
}

async function provisionTopic(
  context: DriverContext,
  address: Address,
  groups: readonly PlannedGroup[],
  findings: Findings,
): Promise<void> {
  const sns = await context.connection.sns();
  const topic = await ensureTopic(context, sns, address, findings);
  for (const group of groups) {
    const queue = await ensureQueues(context, { ...address, group: group.name }, findings);
    if (topic !== undefined && queue !== undefined)
      await ensureSubscription({ sns, endpoint: context.connection.topicQueues, topic, queue }, group, findings);
  }
}

/** The queue of a queue or of a group, and that of its dead letters. Resolves with its URL; undefined where it is not to be made. */
async function ensureQueues(context: DriverContext, address: Address, findings: Findings): Promise<string | undefined> {
  const { queue = '', deadLetters, isFifo } = namesOf(context.namespace, address);
  const endpoint = endpointOf(context, address);
  if (address.ordering === 'key' && !isFifo) {
    findings.differences.push(
      `${queue} is a standard queue; an order by key needs a FIFO queue, whose name ends in .fifo.`,
    );
    return undefined;
  }
  const plain = plainAttributes(context, isFifo);
  const [dead, found] = await Promise.all([
    ensureQueue(context, endpoint, { name: deadLetters, attributes: plain }, findings),
    endpoint.find(queue),
  ]);
  if (found !== undefined) {
    await align(context, endpoint, { name: queue, url: found }, findings);
    findings.differences.push(...(await compare(endpoint, found, queue)));
    return found;
  }
  if (dead === undefined) {
    findings.differences.push(missing(queue));
    return undefined;
  }
  const { QueueArn: deadLetterTargetArn } = await endpoint.attributes(dead, ['QueueArn']);
  const attributes = { ...plain, RedrivePolicy: JSON.stringify({ deadLetterTargetArn, maxReceiveCount }) };
  return ensureQueue(context, endpoint, { name: queue, attributes }, findings);
}

async function ensureQueue(
  context: DriverContext,
  endpoint: SqsEndpoint,
  { name, attributes }: { readonly name: string; readonly attributes: Attributes },
  findings: Findings,
): Promise<string | undefined> {
  const { tuning, clock } = context;
  const { mode, created, differences } = findings;
  const found = await endpoint.find(name);
  if (found !== undefined) {
    await align(context, endpoint, { name, url: found }, findings);
    return found;
  }
  if (mode !== 'create') {
    differences.push(missing(name));
    return undefined;
  }
  const url = await endpoint.create(name, attributes, tuning.tags);
  await untilUsable(endpoint, url, clock);
  created.push(name);
  return url;
}

/** What was asked for of every queue. The key is not ours to change: messages that are there stay under the other one. */
async function align(
  { tuning: { kmsKeyId, tags } }: DriverContext,
  endpoint: SqsEndpoint,
  { name, url }: { readonly name: string; readonly url: string },
  { mode, differences }: Findings,
): Promise<void> {
  if (kmsKeyId !== undefined) {
    const { KmsMasterKeyId = 'none' } = await endpoint.attributes(url, ['KmsMasterKeyId']);
    if (KmsMasterKeyId !== kmsKeyId)
      differences.push(`${name} has the KMS key ${KmsMasterKeyId}; ${kmsKeyId} was asked for.`);
  }
  if (Object.keys(tags).length === 0) return;
  const there = await endpoint.tags(url);
  const lacking = Object.entries(tags).filter(([tag, value]) => there[tag] !== value);
  if (lacking.length === 0) return;
  if (mode === 'create') await endpoint.tag(url, Object.fromEntries(lacking));
  else differences.push(`${name} lacks the tags ${lacking.map(([tag]) => tag).join(', ')}.`);
}

/** A queue cannot be used before a second after its creation: SQS API reference, CreateQueue. */
async function untilUsable(endpoint: SqsEndpoint, url: string, clock: Clock): Promise<void> {
  for (let tries = 0; ; tries += 1) {
    try {
      await endpoint.attributes(url, ['QueueArn']);
      return;
    } catch (error) {
      if (!isMissing(error) || tries === 20) throw error;
    }
    await sleep(clock, 250);
  }
}

function missing(name: string): string {
  return `${name} does not exist.`;
}

function plainAttributes({ tuning: { kmsKeyId } }: DriverContext, isFifo: boolean): Attributes {
  return {
    MessageRetentionPeriod: retention,
    MaximumMessageSize: '1048576',
    // Keys do not share a bound on calls: SQS Developer Guide, high throughput for FIFO queues.
    ...(isFifo
      ? { FifoQueue: 'true', DeduplicationScope: 'messageGroup', FifoThroughputLimit: 'perMessageGroupId' }
      : {}),
    ...(kmsKeyId === undefined ? {} : { KmsMasterKeyId: kmsKeyId }),
  };
}

/** A low count would set messages aside behind our back. Anything else of an existing queue is its owner's. */
async function compare(endpoint: SqsEndpoint, url: string, name: string): Promise<string[]> {
  const { RedrivePolicy } = await endpoint.attributes(url, ['RedrivePolicy']);
  const count = countOf(RedrivePolicy);
  if (count === undefined || count >= fewReceives) return [];
  return [
    `${name} has a maxReceiveCount of ${count}, which sets messages aside without their failure; ${maxReceiveCount} was asked for.`,
  ];
}

function countOf(policy: string | undefined): number | undefined {
  if (policy === undefined || policy === '') return undefined;
  const { maxReceiveCount: count } = JSON.parse(policy) as { readonly maxReceiveCount?: unknown };
  return count === undefined ? undefined : Number(count);
}
