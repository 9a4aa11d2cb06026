import type { Classification, Driver } from './driver-interface.ts';
import { AnymqError, type ErrorCode, type SendUncertainty } from './errors.ts';
import type { WrappedError } from './wrap-later.ts';
import { withOutcome } from './with-outcome.ts';

const advice: Partial<Record<ErrorCode, string>> = {
  NOT_CONNECTED: 'cannot be reached. Check its address, and that it runs.',
  UNAUTHENTICATED: 'refused the credentials. Check user, password or token.',
  ACCESS_DENIED: 'refused the operation. Give this user the right to it.',
  NOT_FOUND: 'knows no such destination or group. Send to it, start a consumer of it, or call provision().',
  TOPOLOGY_MISMATCH: 'has the destination with other settings. See provision() with mode validate.',
  SERVER_TOO_OLD: 'is older than the adapter needs.',
  TIMEOUT: 'did not answer in time.',
  THROTTLED: 'asks for fewer calls.',
  TOO_LARGE: 'refused the message as too large.',
  CONFLICT: 'refused an operation that meets another one. Stop the members of the group, or try again later.',
  LEASE_LOST: 'may give the message to someone else: the delivery is no longer ours.',
  FENCED: 'let another process take over.',
};

/** Total: what the driver cannot classify is UNKNOWN and retryable. The client's own text is dropped: it may hold payloads. */
export function wrapError(
  driver: Pick<Driver, 'name' | 'classifyError'>,
  error: unknown,
  outcome?: SendUncertainty,
): WrappedError {
  if (AnymqError.isInstance(error)) return { error: withOutcome(error, outcome), retryAfterMs: undefined };
  const { name } = driver;
  const found = classify(driver, error);
  const { code, retryable, retryAfterMs } = found;
  const text = advice[code] ?? 'or its client failed in a way that the adapter does not know.';
  const wrapped = new AnymqError(code, `${name}: The broker ${text}`, {
    retryable,
    driver: name,
    cause: error,
    // Only of sends: elsewhere there is no message that may have arrived.
    outcome: outcome && (found.outcome ?? outcome),
  });
  return { error: wrapped, retryAfterMs };
}

function classify(driver: Pick<Driver, 'classifyError'>, error: unknown): Classification {
  try {
    return driver.classifyError(error);
  } catch {
    return { code: 'UNKNOWN', retryable: true };
  }
}
