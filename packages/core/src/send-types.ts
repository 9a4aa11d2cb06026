import type { Capabilities } from './capabilities.ts';
import type { AnymqError } from './errors.ts';
import type { OutgoingMessage } from './message.ts';

/** Options of one message. */
export interface SendOptions<C extends Capabilities = Capabilities> {
  /** A random UUID by default. Retries, duplicates and dead letters keep it. 1 to 128 bytes of UTF-8. */
  readonly id?: string | undefined;
  /** Wins over the destination's `key` function. */
  readonly key?: string | undefined;
  /** At most 16 KiB of UTF-8 in all; names that start with `anymq-`, `ce_`, `ce-` or `cloudevents` are refused. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** 0 (the default) to 604,800,000 (7 days), and never beyond the destination's retention. */
  readonly delayMs?: number | undefined;
  /** 0 to 9, higher first; 4 by default. Needs the capability `priority`; refused where order is by key. */
  readonly priority?: (C['priority'] extends false ? never : number) | undefined;
  /** From 1. Needs the capability `expiry`. */
  readonly expiresAfterMs?: (C['expiry'] extends false ? never : number) | undefined;
  /** Gives up with ABORTED; whether the message was sent is in `outcome`. */
  readonly signal?: AbortSignal | undefined;
}

/** The broker's confirmation. */
export interface Receipt {
  readonly id: string;
  readonly partition?: number | undefined;
  readonly offset?: string | undefined;
  readonly sequence?: string | undefined;
}

export type SendResult =
  | { readonly ok: true; readonly receipt: Receipt }
  | { readonly ok: false; readonly error: AnymqError };

export type SendHandler = (message: OutgoingMessage) => Promise<Receipt>;

export interface Producer<In, C extends Capabilities = Capabilities> {
  /**
   * Resolves after the broker's confirmation. Sends again by itself, with the same id, until `timeoutMs`; then rejects
   * with `outcome` 'not-sent' or 'unknown'. Any number may run at once; those of one key keep the order of their calls.
   */
  send(body: In, options?: SendOptions<C>): Promise<Receipt>;
  /**
   * One result per body, in order. Rejects only with CLOSED or INVALID_OPTION (of the options as a whole). After a keyed
   * message failed, later ones of its key are not sent: CONFLICT, 'not-sent'.
   */
  sendMany(
    bodies: readonly In[],
    options?: SendOptions<C> | ((body: In, index: number) => SendOptions<C>),
  ): Promise<readonly SendResult[]>;
  /** Resolves when every send that was called before has ended. Never rejects. */
  flush(): Promise<void>;
}

export interface ProducerOptions {
  /** First is outermost. Sees the encoded message and may pass on a changed copy. */
  readonly use?: readonly Middleware<SendHandler>[] | undefined;
  /** 1 to 3,600,000; 30,000 by default. */
  readonly timeoutMs?: number | undefined;
  /** Waits so long to fill a batch; 0 by default: only sends that meet while a batch is in flight are merged. At most 1,000. */
  readonly lingerMs?: number | undefined;
}

export type Middleware<H> = (next: H) => H;
