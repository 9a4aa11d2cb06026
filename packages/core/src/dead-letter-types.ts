import type { Count } from './inspection.ts';

export interface DeadLetter {
  readonly id: string;
  readonly body: Uint8Array;
  readonly key?: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly reason: {
    readonly name: string;
    readonly code?: string | undefined;
    readonly message: string;
    readonly stack?: string | undefined;
  };
  readonly attempts: number;
  readonly firstFailedAt: Date;
  readonly lastFailedAt: Date;
  readonly destination: string;
  readonly group?: string | undefined;
}

export interface RedriveResult {
  readonly redriven: number;
  /** Not chosen by `ids` or `where`, or taken by somebody else meanwhile. */
  readonly skipped: number;
  /** Still dead letters: the broker did not confirm their move. */
  readonly failed: number;
}

export interface RedriveOptions {
  readonly ids?: readonly string[] | undefined;
  readonly where?: ((letter: DeadLetter) => boolean) | undefined;
  /** Unlimited by default; above 0. */
  readonly ratePerSecond?: number | undefined;
  readonly limit?: number | undefined;
  /** Counts what would be redriven. */
  readonly dryRun?: boolean | undefined;
  /** After each batch. */
  readonly onProgress?: ((done: RedriveResult) => void) | undefined;
  /** Resolves early with what was done. */
  readonly signal?: AbortSignal | undefined;
}

export interface PurgeOptions {
  readonly ids?: readonly string[] | undefined;
  readonly where?: ((letter: DeadLetter) => boolean) | undefined;
  /** Only letters whose last failure is older. */
  readonly olderThanMs?: number | undefined;
}

export interface WatchOptions {
  /** 60,000 by default; from 10. */
  readonly everyMs?: number | undefined;
  /** Alerts at this many or more: 1 by default. */
  readonly threshold?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface DeadLetterQueue {
  count(): Promise<Count>;
  /** Oldest first. A look: uses up nothing. A message that was dead-lettered twice by a crash is shown once. */
  list(options?: { readonly limit?: number; readonly signal?: AbortSignal }): AsyncIterable<DeadLetter>;
  /** At most the letters present at the start. Only the failing group receives them again, at attempt 1. */
  redrive(options?: RedriveOptions): Promise<RedriveResult>;
  /** Without options: all of them. What is gone is gone. */
  purge(options?: PurgeOptions): Promise<{ readonly purged: number }>;
  /** Calls `alert` when the count reaches the threshold, and again only after it was below. Ends with the signal or the client. */
  watch(options: WatchOptions, alert: (count: Count) => void): void;
}
