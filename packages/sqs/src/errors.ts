import { AnymqError, type Classification, classifySocketError, type ErrorCode } from '@anymq/core/driver';

/** What SQS says of one entry of a batch. */
class EntryError extends Error {
  readonly retryable: boolean;

  constructor(name: string, retryable: boolean) {
    super('The broker refused one entry of a batch.');
    this.name = name;
    this.retryable = retryable;
  }
}

/** What this driver finds out by itself. Core hands it on as it is, with its text, where it puts its own for a client's error. */
export function ownError(code: ErrorCode, message: string, cause?: unknown): AnymqError {
  return new AnymqError(code, message, { driver: 'sqs', cause });
}

/** What is wrong with a message before it is sent. */
export function notSent(code: ErrorCode, message: string): AnymqError {
  return new AnymqError(code, message, { driver: 'sqs', outcome: 'not-sent' });
}

export interface FailedEntry {
  readonly Code?: string | undefined;
  readonly SenderFault?: boolean | undefined;
}

/** An entry that SQS or SNS refused although the call went well. Its text may quote the message, and is dropped. */
export function entryError({ Code: name = 'UnknownEntryError', SenderFault: isOurFault }: FailedEntry): EntryError {
  const known = byName[plainName(name)];
  return new EntryError(name, known?.retryable ?? isOurFault !== true);
}

const unknownError: Classification = { code: 'UNKNOWN', retryable: true, outcome: 'unknown' };

const refused = (code: ErrorCode, retryable = false): Classification => ({ code, retryable, outcome: 'not-sent' });
const unclear = (code: ErrorCode): Classification => ({ code, retryable: true, outcome: 'unknown' });
const named = (names: string, classification: Classification): readonly (readonly [string, Classification])[] =>
  names.split(' ').map((name) => [name, classification]);

/** Names of errors and of failed entries, without `AWS.SimpleQueueService.` and `Exception`: the API references of SQS and SNS. */
const byName: Readonly<Record<string, Classification>> = Object.fromEntries([
  ...named('QueueDoesNotExist NonExistentQueue NotFound ResourceNotFound', refused('NOT_FOUND')),
  ...named(
    'AccessDenied AuthorizationError KmsAccessDenied KMSAccessDenied KmsDisabled KMSDisabled KmsNotFound KMSNotFound',
    refused('ACCESS_DENIED'),
  ),
  ...named(
    'InvalidClientTokenId UnrecognizedClient SignatureDoesNotMatch InvalidSignature ExpiredToken InvalidAccessKeyId',
    refused('UNAUTHENTICATED'),
  ),
  ...named('MissingAuthenticationToken IncompleteSignature InvalidSecurity OptInRequired', refused('UNAUTHENTICATED')),
  // Of the SDK's own chain, which had some when we connected: they could not be renewed now.
  ...named('CredentialsProviderError TokenProviderError', refused('UNAUTHENTICATED', true)),
  ...named(
    'Throttling Throttled RequestThrottled TooManyRequests RequestLimitExceeded KmsThrottled KMSThrottling OverLimit SlowDown',
    refused('THROTTLED', true),
  ),
  ...named('BatchRequestTooLong MessageTooLong', refused('TOO_LARGE')),
  ...named(
    'InvalidParameterValue InvalidParameter InvalidAttributeName InvalidAttributeValue InvalidMessageContents InvalidAddress',
    refused('INVALID_OPTION'),
  ),
  ...named('MissingRequiredParameter MissingParameter ValidationError Validation', refused('INVALID_OPTION')),
  ...named('ReceiptHandleIsInvalid MessageNotInflight', refused('LEASE_LOST')),
  ...named('QueueNameExists QueueAlreadyExists', refused('TOPOLOGY_MISMATCH')),
  ...named('QueueDeletedRecently PurgeQueueInProgress', { ...refused('CONFLICT', true), retryAfterMs: 60_000 }),
  ...named(
    'TagLimitExceeded SubscriptionLimitExceeded TopicLimitExceeded FilterPolicyLimitExceeded',
    refused('CONFLICT'),
  ),
  ...named('UnsupportedOperation InvalidAction', refused('UNSUPPORTED')),
  ...named('TimeoutError RequestTimeout', unclear('TIMEOUT')),
  ...named('AbortError', { code: 'ABORTED', retryable: false, outcome: 'unknown' }),
]);

/** Total. */
export function classifyError(error: unknown): Classification {
  if (AnymqError.isInstance(error)) return { code: error.code, retryable: error.retryable, outcome: error.outcome };
  if (typeof error !== 'object' || error === null) return unknownError;
  const { name } = error as { readonly name?: unknown };
  const socketFailure = classifySocketError(error);
  if (socketFailure !== undefined) return socketFailure;
  const known = typeof name === 'string' ? byName[plainName(name)] : undefined;
  if (known !== undefined) return isTooLong(error) ? refused('TOO_LARGE') : known;
  return byStatus(error);
}

/** One refused entry: it is not stored, whatever the reason. Otherwise by the response's status. */
function byStatus(error: object): Classification {
  if (error instanceof EntryError) return refused('UNKNOWN', error.retryable);
  const { $metadata, $retryable } = error as {
    readonly $metadata?: { readonly httpStatusCode?: unknown };
    readonly $retryable?: { readonly throttling?: unknown };
  };
  const status = $metadata?.httpStatusCode;
  if ($retryable?.throttling === true || status === 429) return refused('THROTTLED', true);
  if (status === 403) return refused('ACCESS_DENIED');
  if (status === 401) return refused('UNAUTHENTICATED');
  return unknownError;
}

/** SQS and SNS have no error of their own for a message that is too long. */
function isTooLong(error: object): boolean {
  const { name, message } = error as { readonly name?: unknown; readonly message?: unknown };
  if (typeof name !== 'string' || !plainName(name).startsWith('InvalidParameter')) return false;
  return typeof message === 'string' && /too long|must be shorter|message length/i.test(message);
}

function plainName(name: string): string {
  const short = name.slice(name.lastIndexOf('.') + 1).replace(/(Exception|Failure)$/, '');
  return Object.hasOwn(byName, name) ? name : short;
}

/** The queue or topic is not there. */
export function isMissing(error: unknown): boolean {
  return classifyError(error).code === 'NOT_FOUND';
}

/** The receipt is good for nothing any more: expired, or the message is gone. */
export function isExpiredReceipt({
  Code: name = '',
  Message: text = '',
}: FailedEntry & { readonly Message?: string }): boolean {
  if (byName[plainName(name)]?.code === 'LEASE_LOST') return true;
  return name.startsWith('InvalidParameter') && /receipt handle/i.test(text);
}

export function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error('The client threw what is no error.', { cause: error });
}
