import type { Clock, ReceiveOptions } from '@anymq/core/driver';
import { Alarm } from './alarm.ts';
import type { DeliveryToken } from './stored-message.ts';
import type { Subscription } from './subscription.ts';

const longestWaitMs = 20_000;

/** One `receive` that found nothing. */
export interface Wait {
  readonly subscription: Subscription;
  readonly options: ReceiveOptions;
  readonly deadline: number;
  readonly finish: (tokens: readonly DeliveryToken[]) => void;
  readonly fail: (error: Error) => void;
}

/** Ends the waiting receives of a connection after 20 s, with one timer. It keeps the process alive, as a socket would. */
export class Waits {
  readonly #clock: Clock;
  readonly #waits = new Set<Wait>();
  readonly #alarm: Alarm;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#alarm = new Alarm(clock, { keepsProcess: true, ring: (nowMs) => this.#expire(nowMs) });
  }

  newDeadline(): number {
    return this.#clock.now() + longestWaitMs;
  }

  add(wait: Wait): void {
    this.#waits.add(wait);
    this.#alarm.setBy(wait.deadline);
  }

  remove(wait: Wait): void {
    this.#waits.delete(wait);
    if (this.#waits.size === 0) this.#alarm.clear();
  }

  #expire(nowMs: number): void {
    for (const wait of this.#waits) {
      if (wait.deadline <= nowMs) wait.finish([]);
    }
    for (const { deadline } of this.#waits) this.#alarm.setBy(deadline);
  }
}
