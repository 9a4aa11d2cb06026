import { AnymqError, type Classification } from '@anymq/core/driver';

/** What the broker answers when a call fails: the "raw client error" of this driver. */
export type MemoryErrorCode =
  | 'CONNECTION_LOST'
  | 'CLOSED'
  | 'NO_SUCH_DESTINATION'
  | 'UNAVAILABLE'
  | 'NO_CONFIRMATION'
  | 'GROUP_ACTIVE'
  | 'TRANSACTION_FENCED'
  | 'CALL_ABORTED';

export class MemoryBrokerError extends Error {
  readonly code: MemoryErrorCode;

  constructor(code: MemoryErrorCode, message: string) {
    super(message);
    this.name = 'MemoryBrokerError';
    this.code = code;
  }
}

const classifications: Readonly<Record<MemoryErrorCode, Classification>> = {
  CONNECTION_LOST: { code: 'NOT_CONNECTED', retryable: true, outcome: 'not-sent' },
  CLOSED: { code: 'CLOSED', retryable: false, outcome: 'not-sent' },
  NO_SUCH_DESTINATION: { code: 'NOT_FOUND', retryable: false, outcome: 'not-sent' },
  UNAVAILABLE: { code: 'NOT_CONNECTED', retryable: true, outcome: 'not-sent' },
  NO_CONFIRMATION: { code: 'TIMEOUT', retryable: true, outcome: 'unknown' },
  GROUP_ACTIVE: { code: 'CONFLICT', retryable: false },
  TRANSACTION_FENCED: { code: 'FENCED', retryable: false },
  CALL_ABORTED: { code: 'ABORTED', retryable: false, outcome: 'not-sent' },
};

const unknownError: Classification = { code: 'UNKNOWN', retryable: true, outcome: 'unknown' };

/** Total. By shape, not by class, so that an error of another copy of this package is known too. */
export function classifyError(error: unknown): Classification {
  if (AnymqError.isInstance(error)) return { code: error.code, retryable: error.retryable, outcome: error.outcome };
  if (typeof error !== 'object' || error === null || !('code' in error)) return unknownError;
  const { code } = error;
  return typeof code === 'string' && Object.hasOwn(classifications, code)
    ? classifications[code as MemoryErrorCode]
    : unknownError;
}

export function noSuchDestination(physical: string): MemoryBrokerError {
  return new MemoryBrokerError('NO_SUCH_DESTINATION', `'${physical}' does not exist. Provision it first.`);
}
