/** The closed set of error codes. A new one is a breaking change, so that `switch` statements stay total. */
export type ErrorCode =
  | 'INVALID_OPTION'
  | 'INVALID_MESSAGE'
  | 'DECODE_FAILED'
  | 'TOO_LARGE'
  | 'UNSUPPORTED'
  | 'ADAPTER_MISSING'
  | 'NOT_CONNECTED'
  | 'UNAUTHENTICATED'
  | 'ACCESS_DENIED'
  | 'NOT_FOUND'
  | 'TOPOLOGY_MISMATCH'
  | 'SERVER_TOO_OLD'
  | 'TIMEOUT'
  | 'THROTTLED'
  | 'CONFLICT'
  | 'LEASE_LOST'
  | 'FENCED'
  | 'ABORTED'
  | 'CLOSED'
  | 'UNKNOWN';

/** Whether a rejected send may have reached the broker. 'not-sent' is certain; anything else is 'unknown'. */
export type SendUncertainty = 'not-sent' | 'unknown';

export interface ErrorDetails {
  readonly retryable?: boolean | undefined;
  readonly driver?: string | undefined;
  readonly outcome?: SendUncertainty | undefined;
  /** Only its name, code and status are kept: raw client errors carry payloads and credentials. */
  readonly cause?: unknown;
  /** Replaces the name 'AnymqError', where a more telling one is established ('TimeoutError'). */
  readonly name?: string | undefined;
}

const brand: symbol = Symbol.for('anymq.error');
const retryableCodes: ReadonlySet<ErrorCode> = new Set([
  'NOT_CONNECTED',
  'TIMEOUT',
  'THROTTLED',
  'LEASE_LOST',
  'UNKNOWN',
]);

/** The one class of error that anymq throws. Its message says what to do; it never holds a payload or a credential. */
export class AnymqError extends Error {
  readonly code: ErrorCode;
  /** Whether the same call may succeed later without a change. */
  readonly retryable: boolean;
  readonly driver?: string;
  readonly outcome?: SendUncertainty;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: safeCause(details.cause) });
    this.name = details.name ?? 'AnymqError';
    this.code = code;
    this.retryable = details.retryable ?? retryableCodes.has(code);
    if (details.driver !== undefined) this.driver = details.driver;
    if (details.outcome !== undefined) this.outcome = details.outcome;
    Object.defineProperty(this, brand, { value: true });
  }

  /** True also for an error of another copy of this package, which `instanceof` misses. */
  static isInstance(value: unknown): value is AnymqError {
    return typeof value === 'object' && value !== null && brand in value;
  }
}

/** What is known to be safe to show of a client's error. */
export interface SafeCause {
  readonly name: string;
  readonly code?: string;
  readonly status?: number;
}

function safeCause(error: unknown): SafeCause {
  if (typeof error !== 'object' || error === null) return { name: typeof error };
  const { name, code, status, statusCode } = error as Readonly<Record<string, unknown>>;
  const number = status ?? statusCode;
  return {
    name: typeof name === 'string' ? name : 'Error',
    ...(typeof code === 'string' || typeof code === 'number' ? { code: String(code) } : {}),
    ...(typeof number === 'number' ? { status: number } : {}),
  };
}
