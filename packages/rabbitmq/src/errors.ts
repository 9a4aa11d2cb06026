import { AnymqError, type Classification, classifySocketError } from '@anymq/core/driver';

/** What this adapter itself says went wrong. Its messages hold names of queues and exchanges, never payloads or credentials. */
export type RabbitmqErrorCode =
  | 'CONNECTION_LOST'
  | 'CLOSED'
  | 'BLOCKED'
  | 'NO_CONFIRMATION'
  | 'NOT_ACCEPTED'
  | 'NOT_SENT'
  | 'NO_ROUTE'
  | 'NO_QUEUE'
  | 'NOT_THERE_YET'
  | 'CALL_ABORTED'
  | 'NOT_ENCODED';

export class RabbitmqError extends Error {
  readonly code: RabbitmqErrorCode;

  constructor(code: RabbitmqErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'RabbitmqError';
    this.code = code;
  }
}

const ownErrors: Readonly<Record<RabbitmqErrorCode, Classification>> = {
  // The connection broke while something was under way; 'unknown' for a send.
  CONNECTION_LOST: { code: 'NOT_CONNECTED', retryable: true, outcome: 'unknown' },
  CLOSED: { code: 'CLOSED', retryable: false, outcome: 'not-sent' },
  NOT_SENT: { code: 'NOT_CONNECTED', retryable: true, outcome: 'not-sent' },
  BLOCKED: { code: 'THROTTLED', retryable: true, outcome: 'not-sent' },
  NO_CONFIRMATION: { code: 'TIMEOUT', retryable: true, outcome: 'unknown' },
  NOT_ACCEPTED: { code: 'THROTTLED', retryable: true, outcome: 'not-sent' },
  NO_ROUTE: { code: 'NOT_FOUND', retryable: false, outcome: 'not-sent' },
  NO_QUEUE: { code: 'NOT_FOUND', retryable: false },
  // Of a consumer that had been going: the queue may be made again.
  NOT_THERE_YET: { code: 'NOT_FOUND', retryable: true },
  CALL_ABORTED: { code: 'ABORTED', retryable: false, outcome: 'not-sent' },
  NOT_ENCODED: { code: 'TOO_LARGE', retryable: false, outcome: 'not-sent' },
};

const replies: Readonly<Record<number, Classification>> = {
  311: { code: 'TOO_LARGE', retryable: false },
  320: { code: 'NOT_CONNECTED', retryable: true },
  402: { code: 'NOT_FOUND', retryable: false, outcome: 'not-sent' },
  403: { code: 'ACCESS_DENIED', retryable: false, outcome: 'not-sent' },
  404: { code: 'NOT_FOUND', retryable: false, outcome: 'not-sent' },
  405: { code: 'CONFLICT', retryable: true },
  406: { code: 'TOPOLOGY_MISMATCH', retryable: false },
  506: { code: 'THROTTLED', retryable: true },
  530: { code: 'ACCESS_DENIED', retryable: false, outcome: 'not-sent' },
  541: { code: 'NOT_CONNECTED', retryable: true },
};

const unknownError: Classification = { code: 'UNKNOWN', retryable: true, outcome: 'unknown' };

/** Total. By shape and by the broker's reply codes; the client's own errors have no codes, only texts. */
export function classifyError(error: unknown): Classification {
  if (AnymqError.isInstance(error)) return { code: error.code, retryable: error.retryable, outcome: error.outcome };
  if (typeof error !== 'object' || error === null) return unknownError;
  const { code, message, name } = error as Readonly<Record<string, unknown>>;
  if (largestSize(error) !== undefined) return { code: 'TOO_LARGE', retryable: false, outcome: 'not-sent' };
  return (
    byCode(code) ??
    classifySocketError(error) ??
    byText(typeof message === 'string' ? message : '', name) ??
    unknownError
  );
}

function byCode(code: unknown): Classification | undefined {
  if (typeof code === 'number') return replies[code];
  if (typeof code !== 'string') return undefined;
  return Object.hasOwn(ownErrors, code) ? ownErrors[code as RabbitmqErrorCode] : undefined;
}

/** Of amqplib: errors of the handshake and of what is closed already. */
function byText(text: string, name: unknown): Classification | undefined {
  if (/ACCESS[_-]REFUSED.*(?:Login|authentication)|SASL mechanism/i.test(text))
    return { code: 'UNAUTHENTICATED', retryable: false, outcome: 'not-sent' };
  if (/Handshake terminated by server.*(?:ACCESS|NOT[_-]ALLOWED)/i.test(text))
    return { code: 'ACCESS_DENIED', retryable: false, outcome: 'not-sent' };
  // The client drops the reason: there is no such virtual host, this user has no right to it, or it is down for a moment.
  if (/Expected ConnectionOpenOk/.test(text)) return { code: 'ACCESS_DENIED', retryable: true, outcome: 'not-sent' };
  if (/Socket closed abruptly|connect ETIMEDOUT/i.test(text))
    return { code: 'NOT_CONNECTED', retryable: true, outcome: 'not-sent' };
  if (
    name === 'IllegalOperationError' ||
    /channel (?:closed|ended)|connection clos|Unexpected close|Heartbeat/i.test(text)
  )
    return { code: 'NOT_CONNECTED', retryable: true, outcome: 'unknown' };
  return undefined;
}

/** Of the broker's answer to a message above its `max_message_size`: that size. */
export function largestSize(error: object): number | undefined {
  const text = 'message' in error && typeof error.message === 'string' ? error.message : '';
  const size = /message size \d+ is larger than configured max size (\d+)/.exec(text)?.[1];
  return size === undefined ? undefined : Number(size);
}

/** True for the broker's answer that a queue or exchange is not there. */
export function isMissing(error: unknown): boolean {
  return replyCode(error) === 404;
}

/** True where it is there, and the broker has not started it yet, or cannot: also a 404. */
export function isDown(error: unknown): boolean {
  return isMissing(error) && error instanceof Error && error.message.includes('down or inaccessible');
}

/** Of a question on a channel of its own, which the broker ends when the answer is no. */
export async function isThere(ask: () => Promise<unknown>): Promise<boolean> {
  try {
    await ask();
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw asError(error);
  }
}

export function replyCode(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'number' ? error.code : undefined;
}

/** Of anything that was thrown. */
export function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}
