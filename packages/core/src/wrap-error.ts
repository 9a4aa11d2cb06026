import type { Classification, Driver } from './driver-interface.ts';
import { AnymqError, type ErrorCode, type SendUncertainty } from './errors.ts';

/** A client's error as the user sees it, and when the broker wishes the next try. */
export interface WrappedError {
  readonly error: AnymqError;
  readonly retryAfterMs: number | undefined;
}

const advice: Partial<Record<ErrorCode, string>> = {
  NOT_CONNECTED: 'The broker cannot be reached. Check its address, and that it runs.',
  UNAUTHENTICATED: 'The broker refused the credentials. Check user, password or token.',
  ACCESS_DENIED: 'The broker refused the operation. Give this user the right to it.',
  NOT_FOUND:
    'The destination or group does not exist on the broker. Send to it, start a consumer of it, or call provision().',
  TOPOLOGY_MISMATCH: 'The destination exists with other settings. See provision() with mode validate.',
  SERVER_TOO_OLD: 'The broker is older than the adapter needs.',
  TIMEOUT: 'The broker did not answer in time.',
  THROTTLED: 'The broker asks for fewer calls.',
  TOO_LARGE: 'The broker refused the message as too large.',
  CONFLICT: 'The operation meets another one. Stop the members of the group, or try again later.',
  LEASE_LOST: 'The delivery is no longer ours; the broker may give it to someone else.',
  FENCED: 'Another process has taken over.',
  CLOSED: 'The client is closed.',
  ABORTED: 'The call was aborted.',
};

/** Total: what the driver cannot classify is UNKNOWN and retryable. The client's own text is dropped: it may hold payloads. */
export function wrapError(
  driver: Pick<Driver, 'name' | 'classifyError'>,
  error: unknown,
  outcome?: SendUncertainty,
): WrappedError {
  if (AnymqError.isInstance(error)) return { error: withOutcome(error, outcome), retryAfterMs: undefined };
  const found = classify(driver, error);
  const text = advice[found.code] ?? 'The broker or its client failed in a way that the adapter does not know.';
  const details = { retryable: found.retryable, driver: driver.name, cause: error };
  // Only of sends: elsewhere there is no message that may have arrived.
  const uncertainty = outcome === undefined ? undefined : (found.outcome ?? outcome);
  const wrapped = new AnymqError(
    found.code,
    `${driver.name}: ${text}`,
    uncertainty ? { ...details, outcome: uncertainty } : details,
  );
  return { error: wrapped, retryAfterMs: found.retryAfterMs };
}

/** The same error, saying what is known of the message. */
export function withOutcome(error: AnymqError, outcome: SendUncertainty | undefined): AnymqError {
  if (outcome === undefined || error.outcome !== undefined) return error;
  const { code, message, name, retryable, driver, cause } = error;
  return new AnymqError(code, message, {
    name,
    retryable,
    outcome,
    cause,
    ...(driver === undefined ? {} : { driver }),
  });
}

function classify(driver: Pick<Driver, 'classifyError'>, error: unknown): Classification {
  try {
    return driver.classifyError(error);
  } catch {
    return { code: 'UNKNOWN', retryable: true };
  }
}
