import type { Clock, Limits, Logger } from '@anymq/core/driver';
import type { Link } from './client.ts';
import type { Drain } from './drain.ts';
import type { Levels } from './levels.ts';
import type { Publisher } from './publisher.ts';

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
  /** For `catch`, where nobody waits for an answer: the logger gets to know. */
  readonly tell: (what: string) => (error: unknown) => void;
}

export interface DriverContext extends SharedContext {
  readonly drain: Drain;
}
