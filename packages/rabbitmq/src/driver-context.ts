import type { Clock, Limits, Logger } from '@anymq/core/driver';
import type { Link } from './client.ts';
import type { Drain } from './drain.ts';
import type { Levels } from './levels.ts';
import type { NewQueues } from './new-queues.ts';
import type { Publisher } from './publisher.ts';
import type { Tell } from './tell.ts';

/** What the parts of one driver share. */
export interface SharedContext {
  readonly namespace: string;
  readonly limits: Limits;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Apart from each other: the broker holds up a connection that publishes too much, and acknowledgements must get through. */
  readonly publishing: Link;
  readonly consuming: Link;
  readonly publisher: Publisher;
  readonly levels: Levels;
  readonly newQueues: NewQueues;
  readonly tell: Tell;
}

export interface DriverContext extends SharedContext {
  readonly drain: Drain;
}
