import type { Capabilities } from './capabilities.ts';
import type { Destination } from './destination.ts';
import type { Message } from './message.ts';
import type { Outcome } from './outcome.ts';
import type { RetryOptions, RetryPolicy } from './retry-policy.ts';
import type { Middleware, SendOptions } from './send-types.ts';

/** Returns nothing: acknowledged. Throws: the retry policy decides. Returns an outcome: that. */
export type Handler<Out> = (body: Out, delivery: Delivery) => Promise<void | Outcome> | void | Outcome;
export type BatchDelivery<Out> = Delivery & { readonly body: Out };
/** A thrown batch charges nobody: its members run again one by one, each for itself. An outcome per delivery, or nothing for all. */
export type BatchHandler<Out> = (
  deliveries: readonly BatchDelivery<Out>[],
  context: { readonly signal: AbortSignal },
) => Promise<void | readonly (Outcome | undefined)[]>;

export type ConsumeHandler = (body: unknown, delivery: Delivery) => Promise<void | Outcome>;
export type BatchConsumeHandler = (
  deliveries: readonly BatchDelivery<unknown>[],
  context: { readonly signal: AbortSignal },
) => Promise<void | readonly (Outcome | undefined)[]>;

/** One hand-over of a message to a handler. Valid also after the handler returned. */
export interface Delivery {
  readonly message: Message;
  /** From 1; raised by charged failures only. */
  readonly attempt: number;
  readonly redelivered: boolean;
  readonly destination: string;
  readonly group?: string | undefined;
  /** Aborts when the message is no longer ours, at the handler's time limit, and at the stop's deadline. Made when first read. */
  readonly signal: AbortSignal;
  /** Inside `transaction: true` only: sent with the commit, or not at all. */
  send?<In>(to: Destination<In, unknown>, body: In, options?: SendOptions): void;
}

interface CommonConsumerOptions<C extends Capabilities> {
  /** Required for topics, refused for queues. */
  readonly group?: string | undefined;
  /** 5 attempts, exponential from 1 s to 5 min with full jitter, by default; false: no second attempt. */
  readonly retry?: RetryOptions | RetryPolicy | false | undefined;
  /** True by default; false discards after the last attempt, with a 'discarded' event. */
  readonly deadLetter?: boolean | undefined;
  /** How long the broker waits for a silent process: 1,000 to 43,200,000; 30,000 by default. Renewed while handlers run. */
  readonly leaseMs?: number | undefined;
  /** Longest wait of an ordered lane for one retry: 900,000 (15 min) by default; a longer delay is cut to it. */
  readonly maxHoldMs?: number | undefined;
  /** Messages of one partition that may wait in ordered lanes before the partition waits: 1,000 by default, and no more than its share of 64 MiB. */
  readonly maxHeld?: number | undefined;
  /** Deaths of the process while a message ran, before it is dead-lettered: 1 to 100, 3 by default. */
  readonly crashLimit?: number | undefined;
  /** 'before' is at most once; with retry, deadLetter or `idempotent` it is INVALID_OPTION. */
  readonly acknowledge?: 'after' | 'before' | undefined;
  /** For a group that is made now: 'latest' by default. 'earliest' needs the capability `history`. */
  readonly startAt?: (C['history'] extends false ? 'latest' : 'earliest' | 'latest') | undefined;
  /** Reads, processes and writes exactly once, with `delivery.send`. Needs the capability `transactions`. */
  readonly transaction?: (C['transactions'] extends false ? false : boolean) | undefined;
}

export interface ConsumerOptions<C extends Capabilities = Capabilities> extends CommonConsumerOptions<C> {
  /** Handlers at once: 1 to 10,000; 10 by default. */
  readonly concurrency?: number | undefined;
  /** First is outermost. */
  readonly use?: readonly Middleware<ConsumeHandler>[] | undefined;
}

export interface BatchConsumerOptions<C extends Capabilities = Capabilities> extends CommonConsumerOptions<C> {
  /** 1 to 10,000; 100 by default. */
  readonly maxMessages?: number | undefined;
  /** How long a batch that is not full waits for more: 0 to 60,000; 100 by default. */
  readonly maxWaitMs?: number | undefined;
  /** Batches at once: 1 to 1,000; 1 by default. */
  readonly concurrency?: number | undefined;
  readonly use?: readonly Middleware<BatchConsumeHandler>[] | undefined;
}

export type ConsumerState = 'idle' | 'starting' | 'running' | 'recovering' | 'stopping' | 'stopped' | 'failed';

export interface Consumer extends AsyncDisposable {
  /** Resolves when it can receive. A second call while it runs is CONFLICT; after `stop`: CLOSED. */
  start(): Promise<void>;
  /**
   * Running handlers end and are settled; at the deadline (30,000 by default, 0 to 3,600,000) their signals abort and
   * their messages go back, uncharged. What was fetched and not started goes back at once. Twice is safe: the shorter deadline wins. Never rejects.
   */
  stop(options?: { readonly deadlineMs?: number }): Promise<void>;
  /** Starts no further handler; those that run go on. */
  pause(): void;
  resume(): void;
  readonly state: ConsumerState;
  /** Resolves when it has stopped; rejects with a terminal error. */
  readonly finished: Promise<void>;
}

/** A consumer that knows no client: `client.run(definition)`. Made by `defineConsumer`. */
export interface ConsumerDefinition<In = unknown, Out = unknown> {
  readonly destination: Destination<In, Out>;
  readonly options: ConsumerOptions;
  handler(body: Out, delivery: Delivery): Promise<void | Outcome> | void | Outcome;
}

export function defineConsumer<In, Out>(
  destination: Destination<In, Out>,
  options: ConsumerOptions,
  handler: Handler<Out>,
): ConsumerDefinition<In, Out> {
  return Object.freeze({ destination, options, handler });
}
