import type { Delivery } from './delivery.ts';
import type { PartitionLog } from './partition-log.ts';

/**
 * What a member holds of a group: one partition of the destination, and the same partition of each of the group's retry
 * topics. They go from member to member together, so that a key is always in one place.
 */
export class Share {
  readonly partition: number;
  /** By topic. */
  readonly logs: Map<string, PartitionLog> = new Map();
  readonly out: Set<Delivery> = new Set();
  /** About to be handed over: nothing more is handed out. */
  isLeaving = false;
  isLoaded = false;

  constructor(partition: number) {
    this.partition = partition;
  }

  /** These topics are gone. What was handed out of them keeps the share from nothing any more. */
  drop(topics: readonly string[]): readonly Delivery[] {
    for (const topic of topics) {
      const log = this.logs.get(topic);
      if (log !== undefined) log.isLost = true;
      this.logs.delete(topic);
    }
    const gone = [...this.out].filter(({ entry }) => entry.log.isLost);
    for (const delivery of gone) this.out.delete(delivery);
    return gone;
  }

  lose(): void {
    for (const log of this.logs.values()) log.isLost = true;
  }
}
