import { type Clock, sleep } from '@anymq/core/driver';
import type { Link } from './client.ts';
import type { NewTopic } from './protocol.ts';
import { leadersOf } from './cluster-calls.ts';
import { errorType } from './errors.ts';

const timeoutMs = 15_000;
const forever = '-1';

export interface TopicSpec {
  readonly name: string;
  readonly partitions: number;
  /** undefined: kept until somebody deletes it. */
  readonly retentionMs?: number | undefined;
}

/** What the answer says of one topic. */
interface Refusal {
  readonly type?: string;
  readonly topic?: string;
}

/** Makes what is missing, and answers with the names of what it made. Of several that make one topic at once, one does. */
export async function createTopics(
  link: Link,
  specs: readonly TopicSpec[],
  { clock, replicationFactor }: { readonly clock: Clock; readonly replicationFactor: number },
): Promise<readonly string[]> {
  if (specs.length === 0) return [];
  const topics = specs.map((spec) => newTopic(spec, replicationFactor));
  const created = await create(link, topics, clock);
  await Promise.all(specs.map(({ name }) => untilThere(link, name, clock)));
  return created;
}

async function create(link: Link, topics: readonly NewTopic[], clock: Clock): Promise<readonly string[]> {
  for (let tries = 1; ; tries++) {
    const there = new Set<string>();
    try {
      const controller = await link.cluster.findControllerBroker();
      await controller.createTopics({ topics, timeout: timeoutMs });
    } catch (error) {
      if (errorType(error) === 'NOT_CONTROLLER' && tries < 20) {
        await sleep(clock, 100);
        await link.cluster.refreshMetadata();
        continue;
      }
      for (const name of existing(error)) there.add(name);
    }
    return topics.map(({ topic }) => topic).filter((name) => !there.has(name));
  }
}

/** Of an answer about several topics: those that were there already. Anything else is thrown. */
function existing(error: unknown): readonly string[] {
  const { errors } = error as { readonly errors?: readonly (Error & Refusal)[] };
  if (!Array.isArray(errors)) throw error;
  return errors.map((each: Error & Refusal) => {
    if (each.type !== 'TOPIC_ALREADY_EXISTS') throw each;
    return each.topic ?? '';
  });
}

function newTopic({ name, partitions, retentionMs }: TopicSpec, replicationFactor: number): NewTopic {
  return {
    topic: name,
    numPartitions: partitions,
    replicationFactor,
    configEntries: [
      { name: 'retention.ms', value: retentionMs === undefined ? forever : String(retentionMs) },
      { name: 'retention.bytes', value: forever },
      { name: 'cleanup.policy', value: 'delete' },
    ],
  };
}

/** The controller has it before the brokers do. */
async function untilThere(link: Link, name: string, clock: Clock): Promise<void> {
  for (let tries = 0; tries < 250; tries++) {
    const leaders = await leadersOf(link, name, clock);
    if (leaders !== undefined && leaders.size > 0) return;
    await sleep(clock, 20);
  }
}

/** Up to that many. Of several that do it at once, one does. */
export async function addPartitions(link: Link, topic: string, count: number, clock: Clock): Promise<void> {
  const controller = await link.cluster.findControllerBroker();
  try {
    await controller.createPartitions({ topicPartitions: [{ topic, count }], timeout: timeoutMs });
  } catch (error) {
    if (errorType(error) !== 'INVALID_PARTITIONS') throw error;
  }
  for (let tries = 0; tries < 250; tries++) {
    if (((await leadersOf(link, topic, clock))?.size ?? 0) >= count) return;
    await sleep(clock, 20);
  }
}

export async function deleteTopics(link: Link, topics: readonly string[]): Promise<void> {
  if (topics.length === 0) return;
  const controller = await link.cluster.findControllerBroker();
  try {
    await controller.deleteTopics({ topics, timeout: timeoutMs });
  } catch (error) {
    if (errorType(error) !== 'UNKNOWN_TOPIC_OR_PARTITION') throw error;
  }
}
