/** What a broker can do beyond the guarantees. One `as const` object gates option types, run-time checks and conformance groups. */
export interface Capabilities {
  /** Handled messages stay readable: `retentionMs`, `seek`, `startAt: 'earliest'`. */
  readonly history: boolean;
  /** `priority` of a send. */
  readonly priority: boolean;
  /** `expiresAfterMs` of a send. */
  readonly expiry: boolean;
  /** The broker itself drops a second send of one id. */
  readonly deduplication: boolean;
  /** `transaction: true` of a consumer: read, process and write exactly once. */
  readonly transactions: boolean;
  /** `inspect().backlog.exact`. */
  readonly exactBacklog: boolean;
  /** The broker moves dead letters back by itself. */
  readonly nativeRedrive: boolean;
  /** `filter` of a topic's group is applied by the broker. */
  readonly brokerFilter: boolean;
  /** The partitions of an ordered destination spread over several members. */
  readonly orderedScaleOut: boolean;
}

/** Bounds of a driver. Core checks and splits by them, so that a driver never sees more. */
export interface Limits {
  /** At least 131,072. */
  readonly maxBodyBytes: number;
  readonly maxBatchMessages: number;
  /** Counted as body, key and headers. */
  readonly maxBatchBytes: number;
  /** Concurrent `sendBatch` calls of one sender, and `settleBatch` calls of one unordered receiver. */
  readonly maxBatchesInFlight: number;
  /** False: a batch may succeed in part, so core puts one message of a key in each. */
  readonly atomicBatch: boolean;
  readonly delay: {
    /** The longest delay that the driver keeps by itself; core hops for the rest. */
    readonly maxMs: number;
    /** How finely; a message that comes early by less is waited for in process. */
    readonly resolutionMs: number;
  };
  /** The longest time that a lease can be kept; Infinity where there is no bound. */
  readonly maxRunMs: number;
}
