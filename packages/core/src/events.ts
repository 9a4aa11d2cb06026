import type { ConsumerState } from './consume-types.ts';
import type { ErrorCode } from './errors.ts';

interface About {
  readonly destination: string;
  readonly group?: string | undefined;
}
interface AboutMessage extends About {
  readonly id: string;
}
/** Name and code of what a handler threw; its text is the user's data and stays out of events. */
export interface ErrorSummary {
  readonly name: string;
  readonly code?: string | undefined;
}

/** What happens inside a client. Emitted synchronously; a listener that throws is reported to the logger. */
export type ClientEvent =
  | (About & { readonly type: 'consumer-state'; readonly state: ConsumerState; readonly code?: ErrorCode })
  | (AboutMessage & {
      readonly type: 'retry';
      readonly attempt: number;
      readonly delayMs: number;
      readonly error: ErrorSummary;
    })
  | (AboutMessage & { readonly type: 'dead-letter'; readonly attempts: number; readonly error: ErrorSummary })
  | (AboutMessage & { readonly type: 'discarded'; readonly attempts: number; readonly error: ErrorSummary })
  | (AboutMessage & { readonly type: 'expired' })
  | (AboutMessage & { readonly type: 'suspect'; readonly crashCount: number })
  /** Redelivered while its handler still ran here: joined to that run. */
  | (AboutMessage & { readonly type: 'joined' })
  /** The delivery was no longer ours when it ended: someone may run it again. */
  | (AboutMessage & { readonly type: 'lost'; readonly reason: string })
  | (About & { readonly type: 'partition-waits'; readonly partition: number; readonly held: number })
  | (About & { readonly type: 'settle-failed'; readonly messages: number; readonly code: ErrorCode })
  | (About & { readonly type: 'send-retry'; readonly messages: number; readonly code: ErrorCode })
  | { readonly type: 'provisioned'; readonly created: readonly string[] };
