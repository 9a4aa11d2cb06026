import type { Clock, Limits } from '@anymq/core/driver';
import type { Link } from './client.ts';
import type { Levels } from './levels.ts';
import type { Publisher } from './publisher.ts';

/** What the parts of one driver share. */
export interface DriverContext {
  readonly namespace: string;
  readonly limits: Limits;
  readonly clock: Clock;
  /** Apart from each other: the broker holds up a connection that publishes too much, and acknowledgements must get through. */
  readonly publishing: Link;
  readonly consuming: Link;
  readonly publisher: Publisher;
  readonly levels: Levels;
}
