import { type Clock, sleep } from '@anymq/core/driver';
import type { Link } from './client.ts';
import type { Broker, CommittedOffset } from './protocol.ts';
import { errorType } from './errors.ts';

/** Where a partition's committed offset and its note stand. -1: nothing was committed. */
export interface Committed {
  readonly offset: number;
  readonly note: string;
}

/** Partition → leader; undefined: there is no such topic. */
export type Leaders = ReadonlyMap<number, number>;

export const earliest = -2;
export const latest = -1;
const noGeneration = -1;

const unsettled: ReadonlySet<string | undefined> = new Set([
  'LEADER_NOT_AVAILABLE',
  'BROKER_NOT_AVAILABLE',
  'NOT_LEADER_FOR_PARTITION',
]);

/** Any broker that answers. */
export async function anyBroker({ cluster }: Link): Promise<Broker> {
  let failure: unknown;
  for (const nodeId of cluster.getNodeIds()) {
    try {
      return await cluster.findBroker({ nodeId: Number(nodeId) });
    } catch (error) {
      failure = error;
    }
  }
  await cluster.connect();
  await cluster.refreshMetadata();
  const [nodeId] = cluster.getNodeIds();
  if (nodeId === undefined) throw failure;
  return cluster.findBroker({ nodeId: Number(nodeId) });
}

export async function leadersOf(link: Link, topic: string, clock: Clock): Promise<Leaders | undefined> {
  for (let tries = 1; ; tries++) {
    try {
      const broker = await anyBroker(link);
      const { topicMetadata } = await broker.metadata([topic]);
      const found = topicMetadata.find((each) => each.topic === topic)?.partitionMetadata ?? [];
      return new Map(found.map(({ partitionId, leader }) => [partitionId, leader]));
    } catch (error) {
      const type = errorType(error);
      if (type === 'UNKNOWN_TOPIC_OR_PARTITION') return undefined;
      // A new topic has no leaders yet.
      if (!unsettled.has(type) || tries >= 50) throw error;
      await sleep(clock, 20);
    }
  }
}

/** Partition → offset, at a time (milliseconds since 1970), or `earliest`, or `latest`. Of a time after the last record: -1. */
export async function offsetsOf(
  link: Link,
  topic: string,
  leaders: Leaders,
  timestamp: number,
  clock: Clock,
): Promise<ReadonlyMap<number, number>> {
  let led = leaders;
  for (let tries = 1; ; tries++) {
    try {
      return await askOffsets(link, topic, led, timestamp);
    } catch (error) {
      if (!unsettled.has(errorType(error)) || tries >= 50) throw error;
      await sleep(clock, 20);
      const now = await leadersOf(link, topic, clock);
      led = new Map([...leaders].map(([partition, leader]) => [partition, now?.get(partition) ?? leader]));
    }
  }
}

async function askOffsets(
  { cluster }: Link,
  topic: string,
  leaders: Leaders,
  timestamp: number,
): Promise<ReadonlyMap<number, number>> {
  const offsets = new Map<number, number>();
  const byNode = Map.groupBy(leaders.keys(), (partition) => leaders.get(partition) ?? -1);
  await Promise.all(
    [...byNode].map(async ([nodeId, partitions]) => {
      const broker = await cluster.findBroker({ nodeId });
      const topics = [{ topic, partitions: partitions.map((partition) => ({ partition, timestamp })) }];
      const { responses } = await broker.listOffsets({ replicaId: -1, isolationLevel: 1, topics });
      for (const found of responses)
        for (const { partition, offset } of found.partitions) offsets.set(partition, Number(offset));
    }),
  );
  return offsets;
}

/** Topic → partition → what the group has committed. */
export async function committedOf(
  link: Link,
  groupId: string,
  topics: ReadonlyMap<string, readonly number[]>,
): Promise<ReadonlyMap<string, ReadonlyMap<number, Committed>>> {
  const coordinator = await link.cluster.findGroupCoordinator({ groupId });
  const asked = [...topics].map(([topic, partitions]) => ({
    topic,
    partitions: partitions.map((partition) => ({ partition })),
  }));
  const { responses } = await coordinator.offsetFetch({ groupId, topics: asked });
  return new Map(responses.map(({ topic, partitions }) => [topic, new Map(partitions.map(committedEntry))]));
}

function committedEntry({ partition, offset, metadata }: CommittedOffset): [number, Committed] {
  return [partition, { offset: Number(offset), note: metadata ?? '' }];
}

/** For a group without members; the broker refuses it for any other. */
export async function commitAlone(
  link: Link,
  groupId: string,
  topic: string,
  offsets: ReadonlyMap<number, Committed>,
): Promise<void> {
  if (offsets.size === 0) return;
  const coordinator = await link.cluster.findGroupCoordinator({ groupId });
  const partitions = [...offsets].map(([partition, { offset, note }]) => ({
    partition,
    offset: String(offset),
    metadata: note,
  }));
  await coordinator.offsetCommit({
    groupId,
    groupGenerationId: noGeneration,
    memberId: '',
    topics: [{ topic, partitions }],
  });
}

/** 'Empty', 'Dead' (never was), 'Stable', 'PreparingRebalance' … */
export async function groupState(link: Link, groupId: string): Promise<string> {
  const coordinator = await link.cluster.findGroupCoordinator({ groupId });
  try {
    const { groups } = await coordinator.describeGroups({ groupIds: [groupId] });
    return groups[0]?.state ?? 'Dead';
  } catch (error) {
    if (errorType(error) === 'GROUP_ID_NOT_FOUND') return 'Dead';
    throw error;
  }
}
