import { type Address, physicalName } from '@anymq/core/driver';

/**
 * Names on the broker. A queue has its destination's name; a topic is an exchange of that name, and each group a queue. An
 * ordered destination is several queues: partition 0 has the name itself, so that a definition with another order meets it.
 */
export interface Names {
  /** Queues of a queue or a group, by partition. Of a topic without a group: none. */
  readonly queues: readonly string[];
  /** Of a topic. */
  readonly exchange: string | undefined;
  readonly deadLetters: string;
}

export function namesOf(namespace: string, address: Address): Names {
  const destination = physicalName(namespace, { name: address.name, physical: address.physical });
  const isTopic = address.kind === 'topic';
  const hasQueues = !isTopic || address.group !== undefined;
  return {
    queues: hasQueues ? partitionQueues(physicalName(namespace, address), partitionsOf(address)) : [],
    exchange: isTopic ? destination : undefined,
    deadLetters: physicalName(namespace, address, 'dead'),
  };
}

export function partitionsOf({ ordering, partitions }: Address): number {
  return ordering === 'key' ? partitions : 1;
}

function partitionQueues(base: string, partitions: number): string[] {
  return Array.from({ length: partitions }, (_, partition) => (partition === 0 ? base : `${base}_p${partition}`));
}

/** Remembers which groups a topic has, for its removal: AMQP cannot list queues. No part of a name is empty, so it meets none. */
export function registryName(exchange: string): string {
  return `${exchange}__groups`;
}

/** The log of runs that were begun, of messages of all partitions. */
export function markStream(queue: string): string {
  return `${queue}__runs`;
}
