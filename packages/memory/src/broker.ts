import { type Address, type Clock, physicalName, systemClock } from '@anymq/core/driver';
import { Connection } from './connection.ts';
import { noSuchDestination } from './errors.ts';
import { createFaults, type FaultPlan, type Faults } from './faults.ts';
import type { Group } from './group.ts';
import { Runtime } from './runtime.ts';
import type { StoredDestination } from './stored-destination.ts';

export interface MemoryBrokerOptions {
  /** Runs leases, delays, expiry and retention. The system's clock by default; see `createVirtualClock`. */
  readonly clock?: Clock | undefined;
}

/** A broker inside this process. Several drivers may share it; each sees the destinations of its own namespace. */
export interface MemoryBroker {
  readonly clock: Clock;
  /** What goes wrong on purpose. */
  readonly faults: Faults;
  /** Messages that wait, are delayed or are being handled, over all destinations. Dead letters and history do not count. */
  readonly pending: number;
  /** Messages dropped so far because they expired or outlived the retention. Noticed when they would have been handed out. */
  readonly expired: number;
  /** When the next delayed message comes due, in milliseconds since 1970; undefined: nothing is delayed. */
  readonly nextDueAt: number | undefined;
  /**
   * Resolves when `pending` is 0: everything that was sent has been acknowledged or dead-lettered. Driven by events, with
   * any clock; of a virtual one somebody has to advance the time. Rejects with the signal's reason.
   */
  idle(options?: { readonly signal?: AbortSignal | undefined }): Promise<void>;
}

/** A private broker, for `createMemoryDriver({ broker })`. Holds its messages as long as it is referenced. */
export function createMemoryBroker(options: MemoryBrokerOptions = {}): MemoryBroker {
  return new Broker(options.clock ?? systemClock);
}

/** What drivers see of it. Every method runs to its end at once: no call ever sees half of another. */
export class Broker implements MemoryBroker {
  readonly clock: Clock;
  readonly runtime: Runtime;
  readonly faults: Faults;
  readonly plan: FaultPlan;
  readonly destinations: Map<string, StoredDestination> = new Map();
  readonly connections: Set<Connection> = new Set();

  constructor(clock: Clock, longestWaitMs = 20_000) {
    this.clock = clock;
    this.runtime = new Runtime(clock, longestWaitMs);
    const { faults, plan } = createFaults(this);
    this.faults = faults;
    this.plan = plan;
  }

  get pending(): number {
    return this.runtime.pending.value;
  }

  get expired(): number {
    return this.runtime.expired;
  }

  get nextDueAt(): number | undefined {
    return this.runtime.schedule.nextAtMs;
  }

  idle(options: { readonly signal?: AbortSignal | undefined } = {}): Promise<void> {
    return this.runtime.pending.zero(options.signal);
  }

  connect(): Connection {
    const connection = new Connection(this.runtime);
    this.connections.add(connection);
    return connection;
  }

  find(namespace: string, address: Address): StoredDestination | undefined {
    return this.destinations.get(destinationName(namespace, address));
  }

  /** @throws NO_SUCH_DESTINATION */
  destination(namespace: string, address: Address): StoredDestination {
    const destination = this.find(namespace, address);
    if (destination === undefined) throw noSuchDestination(destinationName(namespace, address));
    return destination;
  }

  /** @throws NO_SUCH_DESTINATION */
  group(namespace: string, address: Address): Group {
    const group = this.destination(namespace, address).group(address.group);
    if (group === undefined) throw noSuchDestination(physicalName(namespace, address));
    return group;
  }

  /** Every group of every destination. */
  *groups(): IterableIterator<Group> {
    for (const destination of this.destinations.values()) yield* destination.groups.values();
  }
}

/** Without the group. */
export function destinationName(namespace: string, address: Address): string {
  return physicalName(namespace, { name: address.name, physical: address.physical });
}
