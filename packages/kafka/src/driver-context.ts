import type { Clock, Logger } from '@anymq/core/driver';
import type { ClientFactory, Link } from './client.ts';
import type { Writer } from './writer.ts';

/** What the parts of one driver share. */
export interface DriverContext {
  readonly factory: ClientFactory;
  /** For questions; nothing waits on it. */
  readonly link: Link;
  readonly writer: Writer;
  readonly namespace: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Names this process to its successors. */
  readonly ownerId: string;
  /** Lengths of the retry tiers in milliseconds, ascending. */
  readonly tiersMs: readonly number[];
  readonly minSessionMs: number;
  /** Destinations that may be given more partitions. */
  readonly addPartitions: ReadonlySet<string>;
  readonly replicationFactor: number;
}
