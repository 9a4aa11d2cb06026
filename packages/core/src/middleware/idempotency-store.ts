/** A key held by one owner. The token fences: an owner that was taken over can neither extend nor complete. */
export interface Claim {
  readonly key: string;
  readonly token: string;
}

export type ClaimResult =
  /** Ours, until the lease ends. */
  | { readonly state: 'claimed'; readonly token: string }
  /** Somebody else's, whose lease ends in so many milliseconds. */
  | { readonly state: 'busy'; readonly retryInMs: number }
  /** Completed, and not to be run again. */
  | { readonly state: 'done'; readonly result?: Uint8Array | undefined };

/**
 * Where keys are kept: absent → claimed, with a lease → done, with a retention. All calls take many keys, so that a batch
 * costs one round trip; they answer for each, in order. Any number may run at once. What cannot be answered
 * rejects, within a few seconds: while a call waits, its messages do.
 */
export interface IdempotencyStore {
  /** Atomic per key: of two at once, one gets it. A claim whose lease has ended is taken over under a new token. */
  claim(keys: readonly string[], options: { readonly leaseMs: number }): Promise<readonly ClaimResult[]>;
  /** Another `leaseMs` from now; false: no longer ours. */
  extend(claims: readonly Claim[], options: { readonly leaseMs: number }): Promise<readonly boolean[]>;
  /**
   * Durable when it resolves; false: taken over meanwhile, nothing was written. Again with the same token: as before.
   * A result that it cannot keep rejects with TOO_LARGE, and the key is completed without one.
   */
  complete(
    claims: readonly (Claim & { readonly result?: Uint8Array | undefined })[],
    options: { readonly retentionMs: number },
  ): Promise<readonly boolean[]>;
  /** Makes keys absent again that are still claimed by these tokens; ignores all others. */
  release(claims: readonly Claim[]): Promise<void>;
  /** Twice is safe. Other calls reject with CLOSED afterwards. */
  close(): Promise<void>;
}
