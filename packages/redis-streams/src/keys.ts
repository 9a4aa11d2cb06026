import { type Address, physicalName } from '@anymq/core/driver';

/** Every key of one destination, or of one group of it. All of them share a hash tag, so that one script may use any of them. */
export interface Keys {
  /** Physical name of the destination; of an unordered one also the key of its stream, which other programs may write to. */
  readonly base: string;
  /** Name of the consumer group in the streams. */
  readonly group: string;
  readonly partitions: number;
  /** One, or one per partition. */
  readonly streams: readonly string[];
  /** Copies for one group of a topic, beside `streams`; empty for a queue, whose copies go to `streams`. */
  readonly retries: readonly string[];
  /** What the destination is, and which groups it has. */
  readonly meta: string;
  /** Delayed sends. Of a queue also its retries. */
  readonly delayed: string;
  /** Delayed copies for the group. */
  readonly groupDelayed: string;
  readonly dead: string;
  /** Member → when its heartbeat runs out. */
  readonly alive: string;
  /** Member → the generation of what it holds: gone, when something was taken from it. */
  readonly generations: string;
  /** Marks of started suspects and of held messages. */
  readonly notes: string;
  /** Partition → epoch, end of the lease, owner. */
  readonly owners: string;
}

/** The one consumer group of a queue. */
export const queueGroup = 'anymq';

export function keysOf(namespace: string, address: Address): Keys {
  const base = physicalName(namespace, { name: address.name, physical: address.physical });
  const tag = tagged(base);
  const isTopic = address.kind === 'topic';
  const group = isTopic ? (address.group ?? '') : queueGroup;
  const own = (kind: string): string => (isTopic ? `${tag}:${kind}:${group}` : `${tag}:${kind}`);
  const partitions = address.ordering === 'key' ? address.partitions : 0;
  return {
    base,
    group,
    partitions,
    streams: streamKeys(base, partitions),
    retries: isTopic ? retryKeys(base, partitions, group) : [],
    meta: `${tag}:meta`,
    delayed: `${tag}:delayed`,
    groupDelayed: own('delayed'),
    dead: own('dead'),
    alive: own('alive'),
    generations: own('generations'),
    notes: own('notes'),
    owners: own('owners'),
  };
}

function streamKeys(base: string, partitions: number): readonly string[] {
  if (partitions === 0) return [base];
  return numbered(partitions, (partition) => `${tagged(base)}:p${partition}`);
}

function retryKeys(base: string, partitions: number, group: string): readonly string[] {
  const tag = tagged(base);
  if (partitions === 0) return [`${tag}:retry:${group}`];
  return numbered(partitions, (partition) => `${tag}:retry-p${partition}:${group}`);
}

function numbered(count: number, name: (index: number) => string): readonly string[] {
  return Array.from({ length: count }, (_, index) => name(index));
}

/** A name without braces hashes as `{name}` does, so the stream's own key needs none; one that has a hash tag keeps it. */
function tagged(base: string): string {
  return /\{[^}]+\}/.test(base) ? base : `{${base}}`;
}
