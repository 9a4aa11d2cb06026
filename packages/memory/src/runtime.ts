import type { Clock } from '@anymq/core/driver';
import { BodyStore } from './body-store.ts';
import type { Group } from './group.ts';
import { Leases } from './leases.ts';
import { PendingCount } from './pending-count.ts';
import { Schedule } from './schedule.ts';

/** What the parts of one broker share: its time, its timers and its counts. */
export class Runtime {
  readonly clock: Clock;
  /** Of a receive that finds nothing; Infinity: until something comes, or its signal aborts. */
  readonly longestWaitMs: number;
  readonly bodies: BodyStore = new BodyStore();
  readonly leases: Leases;
  readonly schedule: Schedule;
  readonly pending: PendingCount = new PendingCount();
  /** While true nothing is handed out. */
  isPaused = false;
  /** Messages dropped at their `expiresAt`, or at the end of a retention. */
  expired = 0;
  readonly #dueGroups = new Set<Group>();

  constructor(clock: Clock, longestWaitMs: number) {
    this.clock = clock;
    this.longestWaitMs = longestWaitMs;
    this.leases = new Leases(clock);
    this.schedule = new Schedule(clock, (nowMs) => this.#wakeDueGroups(nowMs));
  }

  /** A delayed message of this group came due: its receivers are woken after all that is due now. */
  markDue(group: Group): void {
    this.#dueGroups.add(group);
  }

  #wakeDueGroups(nowMs: number): void {
    const groups = [...this.#dueGroups];
    this.#dueGroups.clear();
    for (const group of groups) group.wake(nowMs);
  }
}
