import type { Link } from '../../src/client.ts';
import type { Broker, Cluster } from '../../src/protocol.ts';
import { PartitionLog, type LogOptions } from '../../src/partition-log.ts';
import { noProgress } from '../../src/progress.ts';

/** A cluster of one broker, which can do what the test needs of it. */
export function linkTo(broker: Partial<Broker>, onClose?: () => void): Link {
  const found = async (): Promise<Broker> => broker as Broker;
  const cluster: Partial<Cluster> = {
    getNodeIds: () => ['1'],
    findBroker: found,
    findGroupCoordinator: found,
    refreshMetadata: async () => undefined,
  };
  return { cluster, closed: false, close: async () => onClose?.() } as Link;
}

/** Of a topic with one partition. */
export function metadataOf(topic: string): Awaited<ReturnType<Broker['metadata']>> {
  return { topicMetadata: [{ topic, partitionMetadata: [{ partitionId: 0, leader: 1 }] }] };
}

/** What the broker answers, as the client throws it. */
export function refusal(type: string): Error {
  return Object.assign(new Error('refused'), { type });
}

export function logOf(options: Partial<LogOptions> = {}): PartitionLog {
  return new PartitionLog({
    topic: 't',
    partition: 0,
    leader: 1,
    from: 0,
    progress: noProgress,
    ownerId: 'me',
    alive: new Set(),
    availableAt: () => 0,
    maxBuffered: 10_000,
    ...options,
  });
}
