import { invalidOption, readNumbers, requireOneOf } from './options.ts';

export interface RetryContext {
  /** The attempt that failed, from 1. */
  readonly attempt: number;
  /** Since the first failure. */
  readonly elapsedMs: number;
  readonly error: unknown;
  /** 0 (inclusive) to 1 (exclusive). */
  readonly random: () => number;
}
/** Pure. The delay before the next attempt in milliseconds, or null: dead-letter. */
export type RetryPolicy = (context: RetryContext) => number | null;
/** Pure. The delay after attempt `attempt` failed, in milliseconds. */
export type Backoff = (attempt: number, random: () => number) => number;

export interface RetryOptions {
  /** Handler runs in all: 1 to 1,000, 5 by default. */
  readonly maxAttempts?: number | undefined;
  /** `exponential()` by default. */
  readonly backoff?: Backoff | undefined;
}

export interface ExponentialOptions {
  /** 1,000 by default. */
  readonly initialMs?: number | undefined;
  /** 300,000 by default; at most 7 days. */
  readonly maxMs?: number | undefined;
  /** 2 by default, from 1. */
  readonly factor?: number | undefined;
  /** 'full' by default: anything from 0 to the computed delay. */
  readonly jitter?: 'full' | 'none' | undefined;
}

/** `exponential()`, for those who take it without saying so. */
const standardBackoff: Backoff = (attempt, random) => Math.min(300_000, 1000 * 2 ** (attempt - 1)) * random();
const weekMs = 7 * 24 * 60 * 60 * 1000;
const exponentialNumbers = {
  initialMs: { standard: 1000, min: 0, max: weekMs },
  maxMs: { standard: 300_000, min: 0, max: weekMs },
  factor: { standard: 2, min: 1, max: 1000 },
} as const;
const retryNumbers = { maxAttempts: { standard: 5, min: 1, max: 1000, integer: true } } as const;

/** initialMs × factor^(attempt − 1), at most maxMs. @throws INVALID_OPTION */
export function exponential(options: ExponentialOptions = {}): Backoff {
  const { initialMs, maxMs, factor } = readNumbers('exponential', options, exponentialNumbers, ['jitter']);
  const jitter = requireOneOf('jitter', options.jitter ?? 'full', ['full', 'none']);
  return (attempt, random) => {
    const delayMs = Math.min(maxMs, initialMs * factor ** (attempt - 1));
    return jitter === 'full' ? delayMs * random() : delayMs;
  };
}

/** The policy behind a consumer's `retry` option. @throws INVALID_OPTION */
export function toRetryPolicy(retry: RetryOptions | RetryPolicy | false = {}): RetryPolicy {
  if (retry === false) return () => null;
  if (typeof retry === 'function') return retry;
  const { backoff = standardBackoff } = retry ?? {};
  if (typeof retry !== 'object' || retry === null || typeof backoff !== 'function')
    throw invalidOption('retry must be false, a policy, or { maxAttempts, backoff }.');
  const { maxAttempts } = readNumbers('retry', retry, retryNumbers, ['backoff']);
  return ({ attempt, random }) => (attempt >= maxAttempts ? null : backoff(attempt, random));
}
