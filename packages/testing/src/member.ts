import type { Client, Consumer } from '@anymq/core';
import type { Driver } from '@anymq/core/driver';
import type { CountingClock } from './counting-clock.ts';
import type { Gate } from './gate.ts';

/** What the suite treats as one process: a client on a driver of its own. */
export interface Member {
  readonly name: string;
  readonly client: Client;
  /** The harness's own, without any wrapper of the case. */
  readonly driver: Driver;
  readonly clock: CountingClock;
  readonly consumers: Consumer[];
  /** True from the moment of its death: nothing that its code still does counts. */
  crashed: boolean;
  /** Cuts its code off from its driver. */
  readonly die: () => void;
  /** Opened at the end of the case: until then a handler of a dead process does not return. */
  readonly buried: Gate;
}
