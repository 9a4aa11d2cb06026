import { type Address, physicalName } from '@anymq/core/driver';

/** Names on the broker; those of FIFO queues and topics end in `.fifo`. */
export interface Names {
  readonly isFifo: boolean;
  /** Of a queue, or of a group of a topic. Of a topic without a group: none. */
  readonly queue: string | undefined;
  readonly topic: string | undefined;
  readonly deadLetters: string;
}

const suffix = '.fifo';

export function namesOf(namespace: string, address: Address): Names {
  const { physical, kind, group, name } = address;
  // An existing resource is what its name says that it is.
  const isFifo = physical === undefined ? address.ordering === 'key' : physical.endsWith(suffix);
  const base = { name, physical: physical?.endsWith(suffix) === true ? physical.slice(0, -suffix.length) : physical };
  const full = (plain: string): string => (isFifo ? plain + suffix : plain);
  const isTopic = kind === 'topic';
  const hasQueue = !isTopic || group !== undefined;
  return {
    isFifo,
    queue: hasQueue ? full(physicalName(namespace, { ...base, group })) : undefined,
    topic: isTopic ? full(physicalName(namespace, base)) : undefined,
    deadLetters: full(physicalName(namespace, { ...base, group }, 'dead')),
  };
}

export function physicalNames(namespace: string, address: Address): Readonly<Record<string, string>> {
  const { queue, topic, deadLetters } = namesOf(namespace, address);
  return {
    ...(topic === undefined ? {} : { topic }),
    ...(queue === undefined ? {} : { queue, deadLetters }),
  };
}

export function deadLettersOf(queue: string): string {
  return queue.endsWith(suffix) ? `${plain(queue)}_dead${suffix}` : `${queue}_dead`;
}

export function plain(name: string): string {
  return name.endsWith(suffix) ? name.slice(0, -suffix.length) : name;
}
