import type { Capabilities, Limits } from './capabilities.ts';
import type { Clock } from './clock.ts';
import type { ErrorCode, SendUncertainty } from './errors.ts';
import type { Logger } from './logger.ts';
import type { FailureRecord, Message, OutgoingMessage, Received, Token } from './message.ts';
import type { Count, Inspection } from './inspection.ts';
import type { Receipt } from './send-types.ts';

/** A destination, or one group of a topic, as a driver sees it. */
export interface Address {
  readonly kind: 'queue' | 'topic';
  readonly name: string;
  /** Of a receiver, dead letters or an inspection of a topic: always there. Of a sender: never. */
  readonly group?: string | undefined;
  readonly ordering: 'none' | 'key';
  /** Parallelism of an ordered destination. */
  readonly partitions: number;
  /** Handled messages stay readable for so long; undefined: no history. */
  readonly retentionMs?: number | undefined;
  /** An existing resource's own name, used instead of the computed one. */
  readonly physical?: string | undefined;
}

/** Conditions on user headers, all of which must hold; a list means any of its values. */
export type HeaderFilter = Readonly<Record<string, string | readonly string[]>>;

export interface PlannedGroup {
  readonly name: string;
  readonly filter?: HeaderFilter | undefined;
  /** Where a group that is made now begins. */
  readonly startAt: 'earliest' | 'latest';
}
export interface PlannedDestination {
  readonly address: Address;
  /** Groups of a topic to make or validate; empty for a queue. */
  readonly groups: readonly PlannedGroup[];
}
export interface Plan {
  readonly destinations: readonly PlannedDestination[];
}
/** 'create' makes what is missing, 'validate' only compares, 'assume' touches nothing. */
export type ProvisionMode = 'create' | 'validate' | 'assume';
export interface ProvisionResult {
  /** Physical names. */
  readonly created: readonly string[];
  /** One sentence each: what differs, as it is and as it was asked for. */
  readonly differences: readonly string[];
}

export type SeekTarget = 'earliest' | 'latest' | Date;

/** What a raw client error means. Total: what a driver does not know is UNKNOWN and retryable. */
export interface Classification {
  readonly code: ErrorCode;
  readonly retryable: boolean;
  /** Of a failed send: 'not-sent' only where that is certain. 'unknown' when undefined. */
  readonly outcome?: SendUncertainty | undefined;
  /** The broker's own wish, of a throttled call. */
  readonly retryAfterMs?: number | undefined;
}

/**
 * One broker. Small and batch-only: batching, retry, hops, lanes, leases, crash suspicion and draining exist once, in core.
 * A driver returns and throws raw client errors; core wraps them once, by `classifyError`.
 */
export interface Driver<C extends Capabilities = Capabilities> {
  readonly specificationVersion: 1;
  readonly name: string;
  /** What its physical names begin with, and the default `source` of its messages; 'anymq' when undefined. */
  readonly namespace?: string | undefined;
  readonly capabilities: C;
  readonly limits: Limits;
  /** A destination without a group. */
  openSender(to: Address): Promise<Sender>;
  /** A queue, or a group of a topic. It may receive when this resolves. */
  openReceiver(from: Address, options: ReceiverOptions): Promise<Receiver>;
  /** Of a queue, or of a group of a topic. */
  openDeadLetters(of: Address): Promise<DeadLetterStore>;
  /** Safe to run twice and by several at once. A difference never throws: it is reported. */
  provision(plan: Plan, mode: ProvisionMode): Promise<ProvisionResult>;
  /** With a group: that group alone. What is not there is no error. */
  remove(address: Address): Promise<void>;
  /** What is exact and what is not is said with each count. */
  inspect(address: Address): Promise<Inspection>;
  /** Only with the capability `history`. Rejects while the group has members: the error classifies as CONFLICT. */
  seek?(address: Address, to: SeekTarget): Promise<void>;
  /** Role → physical name. Core computes `namespace_destination_group_kind` where a driver has none. */
  physicalNames?(address: Address): Readonly<Record<string, string>>;
  /** Total and pure: must not throw. */
  classifyError(error: unknown): Classification;
  /** Resolves when the broker answers; rejects with the raw error otherwise. */
  check(): Promise<void>;
  /** Twice is safe. Core has closed every sender, receiver and store before. */
  close(): Promise<void>;
}

export type SendOutcome =
  | { readonly ok: true; readonly receipt: Receipt }
  | { readonly ok: false; readonly error: unknown };

export interface Sender {
  /**
   * One outcome per message, in order, after the broker's confirmation. Rejects when the batch failed as a whole.
   * Never retries: core does, with the same ids. Called at most `maxBatchesInFlight` times at once. `messages` is the driver's to keep.
   */
  sendBatch(
    messages: readonly OutgoingMessage[],
    options: { readonly signal: AbortSignal },
  ): Promise<readonly SendOutcome[]>;
  close(): Promise<void>;
}

export type LostReason = 'revoked' | 'disconnected' | 'expired';

export interface ReceiverOptions {
  /** Most messages that core holds at once, those in waiting lanes included. A pushing broker's prefetch. */
  readonly maxInFlight: number;
  readonly maxBytes: number;
  readonly ordered: boolean;
  readonly leaseMs: number;
  /** Every message is acknowledged by `beginTransaction`, and retry copies are exactly once too. Left out: false. */
  readonly transactional?: boolean | undefined;
  /**
   * These are no longer ours: core aborts their handlers and drops their outcomes. Called for all of them at once, and before
   * the settlement that found out answers 'lost'. Unknown and settled tokens are ignored.
   */
  readonly onLost: (tokens: readonly Token[], reason: LostReason) => void;
  /**
   * About to be handed over: core starts none of them, releases what was not started or is held, and settles what runs.
   * May be called several times; no further message of these partitions is received until they are settled or lost.
   */
  readonly onRevoking?: ((tokens: readonly Token[]) => void) | undefined;
}

export interface ReceiveOptions {
  /**
   * Aborted: resolves at once, with what was taken from the broker already, or with nothing. A poll that is still under way
   * stays the driver's, which gives back what it brings.
   */
  readonly signal: AbortSignal;
  readonly maxMessages: number;
  readonly maxBytes: number;
  /** Partitions of an ordered destination to leave out, as well as the driver can: too much of them waits in lanes. */
  readonly pausedPartitions?: ReadonlySet<number> | undefined;
}

/** What becomes of a delivery. */
export type SettleOutcome =
  | { readonly kind: 'acknowledge' }
  /**
   * A confirmed copy, not to be received before `dueAt`, then the original is acknowledged. On an ordered destination only
   * for messages that are not due yet, or have no key: what has a key waits in core's lane.
   */
  | {
      readonly kind: 'retry';
      readonly dueAt: number;
      readonly attempt: number;
      readonly failure?: FailureRecord | undefined;
    }
  /** Written to the dead letters and confirmed, then acknowledged. */
  | { readonly kind: 'deadLetter'; readonly failure: FailureRecord }
  /** Back to its place, uncharged; not to be received for `delayMs`, which is 0 where its place must be kept. */
  | { readonly kind: 'release'; readonly delayMs: number };

export interface Settlement {
  readonly token: Token;
  readonly outcome: SettleOutcome;
}
/** 'lost': the delivery was no longer ours, someone else may run it; final. 'error': unknown, core settles it again. */
export type SettleResult =
  | { readonly ok: true }
  | { readonly ok: false; readonly reason: 'lost' | 'error'; readonly error?: unknown };

/** A message that core keeps in its lane for a later attempt. */
export interface HeldMessage {
  readonly token: Token;
  readonly attempt: number;
  /** Milliseconds since 1970. */
  readonly heldUntil: number;
  readonly failure?: FailureRecord | undefined;
}

export interface Receiver {
  /**
   * Resolves with at least one message, or with none after a while of the driver's choosing (at most 20 s) or when aborted.
   * Called one at a time. After it rejected, core waits and calls it again: a receiver reconnects by itself.
   */
  receive(options: ReceiveOptions): Promise<readonly Received[]>;
  /**
   * Durable when it resolves. For suspects, ten at most, before they run apart from all others; only where the broker counts no
   * deaths. Again for the same token, after a run that failed and waited in its lane: still one death.
   */
  markStarted?(tokens: readonly Token[]): Promise<void>;
  /** Keeps attempt and due time of messages that wait in ordered lanes where a restart finds them, as far as there is room. */
  recordHeld?(held: readonly HeldMessage[]): Promise<void>;
  /** Another `leaseMs` from now. What cannot be extended is reported by `onLost`. */
  extendLease(tokens: readonly Token[]): Promise<void>;
  /**
   * One result per item, in order. Idempotent: a token that was settled before answers as it did. Rejects when all failed.
   * Of an ordered receiver called one at a time; a release comes with, or after, those of all later messages of its key.
   */
  settleBatch(items: readonly Settlement[]): Promise<readonly SettleResult[]>;
  /**
   * Nothing more will be received: what is handed out is settled, then `close` is called. For brokers where others can have
   * only what a receiver lets go as a whole, such as a log's partitions: it lets go of all in which nothing runs any more.
   */
  retreat?(): void;
  /** Only with the capability `transactions`, of a transactional receiver. Core names one token. */
  beginTransaction?(tokens: readonly Token[]): Promise<DriverTransaction>;
  /** Gives back what was not settled. Twice is safe. */
  close(): Promise<void>;
}

/** Sends and acknowledgements that become visible together, or not at all. */
export interface DriverTransaction {
  send(to: Address, messages: readonly OutgoingMessage[]): Promise<void>;
  /** Acknowledges the tokens and makes the sends visible. Rejects: nothing happened, or the error classifies as FENCED. */
  commit(): Promise<void>;
  abort(): Promise<void>;
}

export interface StoredLetter extends Message {
  readonly ref: Token;
  readonly failure: FailureRecord;
}

export interface DeadLetterStore {
  count(): Promise<Count>;
  /**
   * Oldest first. Without a cursor: from the start. No cursor in the answer: the end. A look: uses up nothing. A cursor
   * stays good when letters that were paged before are requeued or removed.
   */
  page(
    cursor: string | undefined,
    options: { readonly limit: number },
  ): Promise<{ readonly letters: readonly StoredLetter[]; readonly cursor?: string | undefined }>;
  /** Back to the group that failed them, as they were sent, at attempt 1; confirmed there, then removed here. */
  requeue(refs: readonly Token[]): Promise<readonly SettleResult[]>;
  remove(refs: readonly Token[]): Promise<readonly SettleResult[]>;
  close(): Promise<void>;
}

/** What a client gives to every driver that it makes. */
export interface DriverContext {
  readonly namespace: string;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly random: () => number;
}

/** What an adapter package exports, under its own name: `import { memory } from '@anymq/memory'`. */
export interface DriverModule {
  readonly specificationVersion: 1;
  /** The `driver` of a configuration object. */
  readonly name: string;
  /** URL schemes without the colon. */
  readonly schemes: readonly string[];
  /** For `explain`, which opens no connection. */
  readonly capabilities: Capabilities;
  readonly limits: Limits;
  /** Options of a URL. Throws INVALID_OPTION, without the URL's credentials. */
  parseUrl(url: string): Readonly<Record<string, unknown>>;
  /** Checks the options (INVALID_OPTION) and connects. Core bounds and wraps it. */
  create(options: Readonly<Record<string, unknown>>, context: DriverContext): Promise<Driver>;
  /** Of what `create` rejects with: the driver's own. What is UNKNOWN to it is NOT_CONNECTED. */
  classifyError(error: unknown): Classification;
}
