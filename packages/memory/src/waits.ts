import type { Clock, ReceiveOptions } from '@anymq/core/driver';
import { Alarm } from './alarm.ts';
import type { DeliveryToken } from './stored-message.ts';
import type { Subscription } from './subscription.ts';

/** One `receive` that found nothing. */
export interface Wait {
  readonly subscription: Subscription;
  readonly options: ReceiveOptions;
  readonly deadline: number;
  readonly finish: (tokens: readonly DeliveryToken[]) => void;
  readonly fail: (error: Error) => void;
}

interface WaitRequest {
  readonly subscription: Subscription;
  readonly options: ReceiveOptions;
  readonly resolve: (tokens: readonly DeliveryToken[]) => void;
  readonly reject: (error: Error) => void;
  /** However it ends. */
  readonly onEnd: () => void;
}

/** Ends the waiting receives of a connection after `longestWaitMs`, with one timer. It keeps the process alive, as a socket would. */
export class Waits {
  readonly #clock: Clock;
  readonly #longestWaitMs: number;
  readonly #waits = new Set<Wait>();
  readonly #alarm: Alarm;

  constructor(clock: Clock, longestWaitMs: number) {
    this.#clock = clock;
    this.#longestWaitMs = longestWaitMs;
    this.#alarm = new Alarm(clock, { keepsProcess: true, ring: (nowMs) => this.#expire(nowMs) });
  }

  /** Ends by `finish`, by `fail`, or with nothing: when the signal aborts, and after the longest wait. */
  begin({ subscription, options, resolve, reject, onEnd }: WaitRequest): Wait {
    const end = (): void => {
      this.#remove(wait);
      options.signal.removeEventListener('abort', abort);
      onEnd();
    };
    const finish = (tokens: readonly DeliveryToken[]): void => {
      end();
      resolve(tokens);
    };
    const fail = (error: Error): void => {
      end();
      reject(error);
    };
    const abort = (): void => finish([]);
    const wait: Wait = { subscription, options, deadline: this.#clock.now() + this.#longestWaitMs, finish, fail };
    options.signal.addEventListener('abort', abort, { once: true });
    this.#add(wait);
    return wait;
  }

  #add(wait: Wait): void {
    wait.subscription.group.addWait(wait);
    this.#waits.add(wait);
    if (wait.deadline !== Infinity) this.#alarm.setBy(wait.deadline);
  }

  #remove(wait: Wait): void {
    wait.subscription.group.removeWait(wait);
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
