import {
  AnymqError,
  type Classification,
  classifySocketError,
  type ErrorCode,
  type SendUncertainty,
} from '@anymq/core/driver';

/** What this driver finds out by itself; anything else comes from the client or the server as it is. */
export class RedisStreamsError extends Error {
  readonly code: ErrorCode;
  readonly outcome: SendUncertainty;

  constructor(
    code: ErrorCode,
    message: string,
    outcome: SendUncertainty = code === 'TIMEOUT' ? 'unknown' : 'not-sent',
  ) {
    super(message);
    this.name = 'RedisStreamsError';
    this.code = code;
    this.outcome = outcome;
  }
}

const retryableCodes: ReadonlySet<ErrorCode> = new Set(['NOT_CONNECTED', 'TIMEOUT', 'THROTTLED', 'UNKNOWN']);

const refused = (code: ErrorCode, retryable = false): Classification => ({ code, retryable, outcome: 'not-sent' });
const unknownError: Classification = { code: 'UNKNOWN', retryable: true, outcome: 'unknown' };

/** First words of the server's error replies. An error reply means that the script did not run, or was undone before it wrote. */
const replies: Readonly<Record<string, Classification>> = {
  NOAUTH: refused('UNAUTHENTICATED'),
  WRONGPASS: refused('UNAUTHENTICATED'),
  NOPERM: refused('ACCESS_DENIED'),
  NOPROTO: refused('SERVER_TOO_OLD'),
  OOM: refused('THROTTLED', true),
  BUSY: refused('THROTTLED', true),
  LOADING: refused('NOT_CONNECTED', true),
  MASTERDOWN: refused('NOT_CONNECTED', true),
  READONLY: refused('NOT_CONNECTED', true),
  CLUSTERDOWN: refused('NOT_CONNECTED', true),
  TRYAGAIN: refused('NOT_CONNECTED', true),
  MOVED: refused('NOT_CONNECTED', true),
  ASK: refused('NOT_CONNECTED', true),
  MISCONF: refused('NOT_CONNECTED', true),
  NOREPLICAS: refused('NOT_CONNECTED', true),
  NOGROUP: refused('NOT_FOUND'),
  WRONGTYPE: refused('TOPOLOGY_MISMATCH'),
  UNBLOCKED: { code: 'NOT_CONNECTED', retryable: true },
};

/** The client's own errors have no code: told by how their text begins. */
const clientTexts: readonly (readonly [string, Classification])[] = [
  ["Stream isn't writeable", refused('NOT_CONNECTED', true)],
  ["Cluster isn't ready", refused('NOT_CONNECTED', true)],
  ['None of startup nodes', refused('NOT_CONNECTED', true)],
  ['Failed to refresh slots cache', refused('NOT_CONNECTED', true)],
  // Of a node that was asked for the slots of its cluster.
  ['timeout', refused('NOT_CONNECTED', true)],
  ['Connection is closed', { code: 'NOT_CONNECTED', retryable: true, outcome: 'unknown' }],
  ['Reached the max retries per request', { code: 'NOT_CONNECTED', retryable: true, outcome: 'unknown' }],
  ['Command aborted', { code: 'NOT_CONNECTED', retryable: true, outcome: 'unknown' }],
  ['Command timed out', { code: 'TIMEOUT', retryable: true, outcome: 'unknown' }],
  ['connect ETIMEDOUT', refused('NOT_CONNECTED', true)],
  ['ERR unknown command', refused('SERVER_TOO_OLD')],
  ['ERR invalid password', refused('UNAUTHENTICATED')],
  ['ERR AUTH', refused('UNAUTHENTICATED')],
];

/** Total. By shape, not by class, so that errors of another copy of a client are known too. */
export function classifyError(error: unknown): Classification {
  if (AnymqError.isInstance(error)) return { code: error.code, retryable: error.retryable, outcome: error.outcome };
  if (typeof error !== 'object' || error === null) return unknownError;
  const { name, message } = error as Readonly<Record<string, unknown>>;
  if (name === 'RedisStreamsError') return ownError(error as RedisStreamsError);
  const text = typeof message === 'string' ? message : '';
  if (text.startsWith('All sentinels are unreachable')) return sentinelError(text);
  const known = clientTexts.find(([begin]) => text.startsWith(begin));
  return known?.[1] ?? classifySocketError(error) ?? replies[firstWord(text)] ?? unknownError;
}

function ownError({ code, outcome }: RedisStreamsError): Classification {
  return { code, retryable: retryableCodes.has(code), outcome };
}

/** The client puts what the last sentinel said at the end. */
function sentinelError(text: string): Classification {
  const known = replies[firstWord(text.split('Last error: ')[1] ?? '')];
  return known?.code === 'UNAUTHENTICATED' ? known : refused('NOT_CONNECTED', true);
}

function firstWord(text: string): string {
  const end = text.search(/[ :]/);
  const word = end === -1 ? text : text.slice(0, end);
  return Object.hasOwn(replies, word) ? word : '';
}

export function isMissingScript(error: unknown): boolean {
  return hasReply(error, 'NOSCRIPT');
}

/** The stream or its group was deleted. */
export function isMissingGroup(error: unknown): boolean {
  return hasReply(error, 'NOGROUP') || hasReply(error, 'UNBLOCKED');
}

function hasReply(error: unknown, word: string): boolean {
  return error instanceof Error && error.message.startsWith(word);
}

/** What a log may say of an error: its message could hold a payload. */
export function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : typeof error;
}
