/** A message as every driver shows it: CloudEvents attributes, the user's headers, and the body's own bytes. */
export interface Message {
  readonly id: string;
  /** The ordering and partitioning key. At most 256 bytes of UTF-8. */
  readonly key?: string | undefined;
  /** The user's headers; `traceparent` and `tracestate` are among them. At most 16 KiB in all. */
  readonly headers: Headers;
  /** When it was sent, by the producer's clock; of a foreign message, when the broker got it. */
  readonly time: Date;
  readonly type: string;
  readonly source: string;
  readonly contentType?: string | undefined;
  readonly body: Uint8Array;
  /** `anymq-` fields and CloudEvents attributes that this version does not know: kept through retry and dead letter. */
  readonly extensions?: Headers | undefined;
}

export type Headers = Readonly<Record<string, string>>;

/** A message on its way to a driver. */
export interface OutgoingMessage extends Message {
  /** Milliseconds since 1970: not to be received before. */
  readonly dueAt?: number | undefined;
  /** 0 to 9, 4 when undefined; higher first. Only with the capability `priority`. */
  readonly priority?: number | undefined;
  /** Milliseconds since 1970: not to be received after. Only with the capability `expiry`. */
  readonly expiresAt?: number | undefined;
}

/** A driver's own handle of one delivery, never given out twice. Core compares it by identity and never looks inside. */
export type Token = string | number | bigint | object;

/** What failed, when and how often. Travels with retry copies and dead letters; at most 12 KiB encoded (see `failure.ts`). */
export interface FailureRecord {
  readonly name: string;
  readonly code?: string | undefined;
  readonly message: string;
  readonly stack?: string | undefined;
  /** Handler runs that were charged so far. */
  readonly attempts: number;
  /** Milliseconds since 1970. */
  readonly firstFailedAt: number;
  readonly lastFailedAt: number;
  readonly destination: string;
  readonly group?: string | undefined;
}

/** One delivery as a receiver hands it to core. */
export interface Received extends Message {
  readonly token: Token;
  /** Carried by the message, from 1. Core clamps what is not a whole number from 1 to 1,000,000. */
  readonly attempt: number;
  /** Runs after a mark by `markStarted` that ended in the death of their process, as far as the driver can tell. Core dead-letters at `crashLimit`. */
  readonly crashCount: number;
  /** True when an earlier delivery ended without being settled, so that this one may have killed its process: core runs it alone. */
  readonly suspect?: boolean | undefined;
  /** True when the broker is known to have delivered it before. */
  readonly redelivered?: boolean | undefined;
  /** A delayed message: not to be handled before. Where the driver's own delay is shorter, core sends it back for the rest. */
  readonly dueAt?: number | undefined;
  /** Recorded by `recordHeld` on an ordered destination: its lane waits until then, the message keeps its place. */
  readonly heldUntil?: number | undefined;
  /** Of an ordered destination: which part of it, for `pausedPartitions`. 0 when undefined. */
  readonly partition?: number | undefined;
  readonly expiresAt?: number | undefined;
  readonly priority?: number | undefined;
  readonly failure?: FailureRecord | undefined;
}
