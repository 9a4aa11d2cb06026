import type { Clock } from '@anymq/core/driver';
import { Alarm } from './alarm.ts';
import type { Subscription } from './subscription.ts';

/** Watches the leases of all receivers with one timer; with none while nothing is leased. */
export class Leases {
  readonly #holders = new Set<Subscription>();
  readonly #alarm: Alarm;

  constructor(clock: Clock) {
    this.#alarm = new Alarm(clock, { keepsProcess: false, ring: (nowMs) => this.#expire(nowMs) });
  }

  started(holder: Subscription, deadline: number): void {
    this.#holders.add(holder);
    this.#alarm.setBy(deadline);
  }

  /** Its hand is empty. */
  ended(holder: Subscription): void {
    this.#holders.delete(holder);
    if (this.#holders.size === 0) this.#alarm.clear();
  }

  #expire(nowMs: number): void {
    for (const holder of this.#holders) holder.expire(nowMs);
    for (const holder of this.#holders) {
      if (holder.hand.first !== undefined) this.#alarm.setBy(holder.hand.first.deadline);
    }
  }
}
