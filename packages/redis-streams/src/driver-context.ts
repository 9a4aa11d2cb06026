import type { Clock, Limits, Logger } from '@anymq/core/driver';
import type { Connection } from './client.ts';

/** What the parts of one driver share. */
export interface DriverContext {
  readonly connection: Connection;
  /** For sends: another one when they are waited for at the server, which holds up everything behind them. */
  readonly sending: Connection;
  readonly namespace: string;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
  readonly limits: Limits;
  /** A group of a topic without a member for so long holds up trimming no more. */
  readonly abandonedGroupMs: number;
  /** Extra confirmation of a send. */
  readonly wait: { readonly replicas: number; readonly aof: number; readonly timeoutMs: number };
}
