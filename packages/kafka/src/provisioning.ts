import type {
  Address,
  PlannedDestination,
  PlannedGroup,
  ProvisionMode,
  ProvisionResult,
  SeekTarget,
} from '@anymq/core/driver';
import {
  anyBroker,
  type Committed,
  commitAlone,
  earliest,
  groupState,
  latest,
  type Leaders,
  leadersOf,
  offsetsOf,
} from './cluster-calls.ts';
import type { DriverContext } from './driver-context.ts';
import { errorType, KafkaDriverError } from './errors.ts';
import { type Names, namesOf } from './names.ts';
import { addPartitions, createTopics, deleteTopics, type TopicSpec } from './topics.ts';

interface Report {
  readonly created: string[];
  readonly differences: string[];
}

/** Makes or compares. Nothing that is there is changed, but for partitions that are added where the driver's options allow it. */
export async function provision(
  context: DriverContext,
  destinations: readonly PlannedDestination[],
  mode: ProvisionMode,
): Promise<ProvisionResult> {
  const report: Report = { created: [], differences: [] };
  if (mode === 'assume') return report;
  for (const { address, groups } of destinations) await provisionOne(context, address, groups, mode, report);
  return report;
}

async function provisionOne(
  context: DriverContext,
  address: Address,
  groups: readonly PlannedGroup[],
  mode: ProvisionMode,
  report: Report,
): Promise<void> {
  const { link, clock, namespace } = context;
  const { main } = namesOf(namespace, address);
  const found = await leadersOf(link, main, clock);
  const before = mode === 'create' ? await grown(context, address, found, report) : found;
  if (before !== undefined) report.differences.push(...(await compare(context, address, main, before)));
  else if (mode === 'validate') missing(report, address.kind, [main]);
  const planned: readonly PlannedGroup[] = address.kind === 'queue' ? [{ name: '', startAt: 'earliest' }] : groups;
  if (before === undefined && mode === 'create') {
    const spec = { name: main, partitions: address.partitions, retentionMs: address.retentionMs };
    report.created.push(...(await createTopics(link, [spec], context)));
  }
  const leaders = before ?? (await leadersOf(link, main, clock));
  for (const { name, startAt } of planned) {
    const names = namesOf(namespace, address.kind === 'queue' ? address : { ...address, group: name });
    if (mode === 'create' && leaders !== undefined)
      report.created.push(...(await makeGroup(context, names, leaders, startAt)));
    else if (mode === 'validate') missing(report, address.kind, await missingTopics(context, names));
  }
}

/** With the partitions that it lacks, where they may be added. Its retry topics get theirs when they are first needed. */
async function grown(
  context: DriverContext,
  address: Address,
  leaders: Leaders | undefined,
  { created }: Report,
): Promise<Leaders | undefined> {
  const { link, clock, namespace, logger, addPartitions: consented } = context;
  const { name, partitions, ordering } = address;
  if (leaders === undefined || leaders.size >= partitions || !consented.has(name)) return leaders;
  const { main } = namesOf(namespace, address);
  await addPartitions(link, main, partitions, clock);
  if (ordering === 'key') logger.warn(`Partitions were added. ${keysMove}`, { destination: name });
  for (let added = leaders.size; added < partitions; added++) created.push(`${main}-${added}`);
  return leadersOf(link, main, clock);
}

function missing({ differences }: Report, kind: string, topics: readonly string[]): void {
  for (const name of topics) differences.push(`${name} does not exist; a part of this ${kind} is missing.`);
}

async function missingTopics({ link, clock }: DriverContext, names: Names): Promise<readonly string[]> {
  const topics = [names.retry, names.dead];
  const found = await Promise.all(topics.map((topic) => leadersOf(link, topic, clock)));
  return topics.filter((_, index) => found[index] === undefined);
}

/**
 * A group is there when its retry topic is. Of several that make it, Kafka lets one make that topic, and that one says
 * where the group begins: at an end that it has read before, so that nothing is missed that was sent since.
 */
async function makeGroup(
  context: DriverContext,
  names: Names,
  leaders: Leaders,
  startAt: PlannedGroup['startAt'],
): Promise<readonly string[]> {
  const { link, clock } = context;
  const absent = await missingTopics(context, names);
  if (absent.length === 0) return [];
  const isNew = absent.includes(names.retry);
  const ends = isNew && startAt === 'latest' ? await offsetsOf(link, names.main, leaders, latest, clock) : undefined;
  const specs: readonly TopicSpec[] = absent.map((name) => ({
    name,
    partitions: name === names.dead ? 1 : leaders.size,
  }));
  const created = await createTopics(link, specs, context);
  if (ends !== undefined && created.includes(names.retry)) await begin(context, names, ends);
  return created;
}

async function begin({ link, logger }: DriverContext, names: Names, ends: ReadonlyMap<number, number>): Promise<void> {
  try {
    await commitAlone(link, names.group, names.main, committedAt(ends));
  } catch (error) {
    if (errorType(error) !== 'UNKNOWN_MEMBER_ID') throw error;
    // Members came first: they began with what is there, which is more, and nothing less.
    logger.info('The group had members before its start was set.', { group: names.group });
  }
}

function committedAt(offsets: ReadonlyMap<number, number>): ReadonlyMap<number, Committed> {
  return new Map([...offsets].map(([partition, offset]) => [partition, { offset, note: '' }]));
}

async function compare(
  { link, addPartitions: consented }: DriverContext,
  address: Address,
  main: string,
  leaders: Leaders,
): Promise<readonly string[]> {
  const wanted = address.retentionMs === undefined ? '-1' : String(address.retentionMs);
  const broker = await anyBroker(link);
  const { resources } = await broker.describeConfigs({
    resources: [{ type: 2, name: main, configNames: ['retention.ms'] }],
  });
  const is = resources[0]?.configEntries.find(({ configName }) => configName === 'retention.ms')?.configValue;
  return [
    ...difference(main, 'partitions', String(leaders.size), String(address.partitions)).map((text) =>
      leaders.size < address.partitions && !consented.has(address.name) ? `${text} ${howToAdd(address)}` : text,
    ),
    ...difference(main, 'retention.ms', is ?? 'unknown', wanted),
  ];
}

const keysMove =
  'A key may then go to another partition: what waits of it in the old one may be handled after, or beside, what comes.';

function howToAdd({ name, ordering }: Address): string {
  const how = `They are added when '${name}' is in the option addPartitions.`;
  return ordering === 'key' ? `${how} ${keysMove} Let the destination run empty first, and start senders again.` : how;
}

function difference(name: string, what: string, is: string, wanted: string): string[] {
  return is === wanted ? [] : [`${name} has ${what} ${is}; ${wanted} was asked for.`];
}

/** With a group: that group alone. Its members, if there are any, find their topics gone. */
export async function remove(context: DriverContext, address: Address): Promise<void> {
  const { link, namespace } = context;
  const { main, group } = namesOf(namespace, address);
  const broker = await anyBroker(link);
  const { topicMetadata } = await broker.metadata([]);
  const all = topicMetadata.map(({ topic }) => topic);
  const isOfGroup = (topic: string, of: string): boolean =>
    topic === `${of}_dead` || topic === `${of}_retry` || topic.startsWith(`${of}_retry-`);
  const retries = all.filter((topic) => topic.startsWith(`${main}_`) && topic.endsWith('_retry'));
  const isWholeTopic = address.kind === 'topic' && address.group === undefined;
  const groups = isWholeTopic ? retries.map((topic) => topic.slice(0, -'_retry'.length)) : [group];
  const topics = all.filter((topic) => groups.some((each) => isOfGroup(topic, each)));
  if (address.group === undefined && all.includes(main)) topics.push(main);
  await deleteTopics(link, topics);
  for (const each of groups) await removeGroups(context, [each, `${each}_dead`]);
}

/** A group with members goes with the last of them. */
async function removeGroups({ link, logger }: DriverContext, groupIds: readonly string[]): Promise<void> {
  for (const groupId of groupIds) {
    try {
      const coordinator = await link.cluster.findGroupCoordinator({ groupId });
      await coordinator.deleteGroups([groupId]);
    } catch (error) {
      logger.debug('The group was not deleted.', { group: groupId, reason: errorType(error) });
    }
  }
}

/** Only while the group has no members: a running one would not know. */
export async function seek(context: DriverContext, address: Address, to: SeekTarget): Promise<void> {
  const { link, clock, namespace } = context;
  const names = namesOf(namespace, address);
  const leaders = await leadersOf(link, names.main, clock);
  if (leaders === undefined) throw new KafkaDriverError('NOT_FOUND', `The topic ${names.main} does not exist.`);
  const state = await groupState(link, names.group);
  if (state !== 'Empty' && state !== 'Dead')
    throw new KafkaDriverError('CONFLICT', `The group ${names.group} has members: stop its consumers first.`);
  const ends = await offsetsOf(link, names.main, leaders, latest, clock);
  const offsets = to === 'latest' ? ends : await offsetsOf(link, names.main, leaders, timestampOf(to), clock);
  const target = new Map([...ends].map(([partition, end]) => [partition, atLeast(offsets.get(partition), end)]));
  try {
    await commitAlone(link, names.group, names.main, committedAt(target));
  } catch (error) {
    if (errorType(error) !== 'UNKNOWN_MEMBER_ID') throw error;
    throw new KafkaDriverError('CONFLICT', `The group ${names.group} has members: stop its consumers first.`);
  }
}

function timestampOf(to: SeekTarget): number {
  return to instanceof Date ? to.getTime() : earliest;
}

/** After a time that nothing came after: the end. */
function atLeast(offset: number | undefined, end: number): number {
  return offset === undefined || offset < 0 ? end : offset;
}
