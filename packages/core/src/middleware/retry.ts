import { type Clock, sleep, systemClock } from '../clock.ts';
import type { ConsumeHandler } from '../consume-types.ts';
import { requireKnown, requireNumber } from '../options.ts';
import { type Backoff, exponential } from '../retry-policy.ts';
import type { Middleware } from '../send-types.ts';

export interface RetryMiddlewareOptions {
  /** Runs within one attempt: 1 to 1,000. */
  readonly maxAttempts: number;
  /** `exponential({ initialMs: 100, maxMs: 5_000 })` by default. */
  readonly backoff?: Backoff | undefined;
  /** The system's by default. */
  readonly clock?: Clock | undefined;
  /** `Math.random` by default. */
  readonly random?: (() => number) | undefined;
}

const longestTimerMs = 2_147_483_647;

/**
 * Runs a handler that threw again, inside the same attempt: for failures that pass in less than the lease. Outcomes are
 * not failures. Its waits end with the delivery's signal, and the last error is thrown. For single messages; a batch
 * that throws is run again one by one. @throws INVALID_OPTION
 */
export function retry(options: RetryMiddlewareOptions): Middleware<ConsumeHandler> {
  requireKnown('retry', options, ['maxAttempts', 'backoff', 'clock', 'random']);
  const { backoff = exponential({ initialMs: 100, maxMs: 5000 }), clock = systemClock, random = Math.random } = options;
  const maxAttempts = requireNumber('maxAttempts', options.maxAttempts, { min: 1, max: 1000, integer: true });
  return (next) => async (body, delivery) => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await next(body, delivery);
      } catch (error) {
        if (attempt >= maxAttempts) throw error;
        await sleep(clock, Math.min(backoff(attempt, random), longestTimerMs), delivery.signal);
        if (delivery.signal.aborted) throw error;
      }
    }
  };
}
