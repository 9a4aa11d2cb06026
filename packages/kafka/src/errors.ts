import { AnymqError, type Classification, classifySocketError, type ErrorCode } from '@anymq/core/driver';

/** What this driver finds out by itself; anything else comes from the client or the broker as it is. */
export class KafkaDriverError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string) {
    super(message);
    this.name = 'KafkaDriverError';
    this.code = code;
  }
}

const passing: ReadonlySet<ErrorCode> = new Set(['NOT_CONNECTED', 'TIMEOUT', 'THROTTLED', 'UNKNOWN']);

const refused = (code: ErrorCode, retryable = passing.has(code)): Classification => ({
  code,
  retryable,
  outcome: 'not-sent',
});
const unclear = (code: ErrorCode): Classification => ({ code, retryable: true, outcome: 'unknown' });
const unknownError: Classification = unclear('UNKNOWN');

/** The broker's own error codes, by name. */
const types: Readonly<Record<string, Classification>> = {
  UNKNOWN_TOPIC_OR_PARTITION: refused('NOT_FOUND'),
  INVALID_TOPIC_EXCEPTION: refused('NOT_FOUND'),
  GROUP_ID_NOT_FOUND: refused('NOT_FOUND'),
  MESSAGE_TOO_LARGE: refused('TOO_LARGE'),
  RECORD_LIST_TOO_LARGE: refused('TOO_LARGE'),
  LEADER_NOT_AVAILABLE: refused('NOT_CONNECTED'),
  NOT_LEADER_FOR_PARTITION: refused('NOT_CONNECTED'),
  BROKER_NOT_AVAILABLE: refused('NOT_CONNECTED'),
  REPLICA_NOT_AVAILABLE: refused('NOT_CONNECTED'),
  NETWORK_EXCEPTION: unclear('NOT_CONNECTED'),
  NOT_CONTROLLER: refused('NOT_CONNECTED'),
  GROUP_LOAD_IN_PROGRESS: refused('NOT_CONNECTED'),
  GROUP_COORDINATOR_NOT_AVAILABLE: refused('NOT_CONNECTED'),
  NOT_COORDINATOR_FOR_GROUP: refused('NOT_CONNECTED'),
  NOT_ENOUGH_REPLICAS: refused('THROTTLED'),
  NOT_ENOUGH_REPLICAS_AFTER_APPEND: unclear('THROTTLED'),
  THROTTLING_QUOTA_EXCEEDED: refused('THROTTLED'),
  REQUEST_TIMED_OUT: unclear('TIMEOUT'),
  KAFKA_STORAGE_ERROR: unclear('NOT_CONNECTED'),
  TOPIC_AUTHORIZATION_FAILED: refused('ACCESS_DENIED'),
  GROUP_AUTHORIZATION_FAILED: refused('ACCESS_DENIED'),
  CLUSTER_AUTHORIZATION_FAILED: refused('ACCESS_DENIED'),
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED: refused('ACCESS_DENIED'),
  POLICY_VIOLATION: refused('ACCESS_DENIED'),
  SASL_AUTHENTICATION_FAILED: refused('UNAUTHENTICATED'),
  UNSUPPORTED_SASL_MECHANISM: refused('UNAUTHENTICATED'),
  UNSUPPORTED_VERSION: refused('SERVER_TOO_OLD'),
  INVALID_SESSION_TIMEOUT: refused('INVALID_OPTION'),
  INVALID_REPLICATION_FACTOR: refused('INVALID_OPTION'),
  INVALID_PARTITIONS: refused('INVALID_OPTION'),
  INCONSISTENT_GROUP_PROTOCOL: refused('CONFLICT'),
  NON_EMPTY_GROUP: refused('CONFLICT'),
  UNKNOWN_MEMBER_ID: refused('CONFLICT'),
  GROUP_MAX_SIZE_REACHED: refused('CONFLICT'),
  PRODUCER_FENCED: refused('FENCED'),
  INVALID_PRODUCER_EPOCH: refused('FENCED'),
  TRANSACTION_COORDINATOR_FENCED: refused('FENCED'),
  CONCURRENT_TRANSACTIONS: refused('NOT_CONNECTED'),
  /** The broker forgets a transactional id that was not used for a week. */
  INVALID_PRODUCER_ID_MAPPING: refused('FENCED'),
  INVALID_TXN_STATE: refused('FENCED'),
  OUT_OF_ORDER_SEQUENCE_NUMBER: unclear('UNKNOWN'),
};

/** The client's own errors, by name. */
const names: Readonly<Record<string, Classification>> = {
  KafkaJSConnectionClosedError: unclear('NOT_CONNECTED'),
  KafkaJSRequestTimeoutError: unclear('TIMEOUT'),
  KafkaJSBrokerNotFound: refused('NOT_CONNECTED'),
  KafkaJSNoBrokerAvailableError: refused('NOT_CONNECTED'),
  KafkaJSGroupCoordinatorNotFound: refused('NOT_CONNECTED'),
  KafkaJSLockTimeout: refused('NOT_CONNECTED'),
  KafkaJSMetadataNotLoaded: refused('NOT_CONNECTED'),
  KafkaJSTopicMetadataNotLoaded: refused('NOT_CONNECTED'),
  KafkaJSSASLAuthenticationError: refused('UNAUTHENTICATED'),
  KafkaJSServerDoesNotSupportApiKey: refused('SERVER_TOO_OLD'),
};

interface ErrorLike {
  readonly name?: unknown;
  readonly type?: unknown;
  readonly code?: unknown;
  readonly message?: unknown;
  readonly cause?: unknown;
  readonly errors?: unknown;
}

/** Total. By shape, not by class, so that errors of another copy of the client are known too. */
export function classifyError(error: unknown): Classification {
  if (AnymqError.isInstance(error)) return { code: error.code, retryable: error.retryable, outcome: error.outcome };
  return classify(error, 0) ?? unknownError;
}

function classify(error: unknown, depth: number): Classification | undefined {
  if (typeof error !== 'object' || error === null || depth > 4) return undefined;
  const { name, type, code, message, cause, errors } = error as ErrorLike;
  if (name === 'KafkaDriverError' && typeof code === 'string') return refused(code as ErrorCode);
  if (typeof type === 'string' && Object.hasOwn(types, type)) return types[type];
  const socketFailure = classifySocketError(error);
  if (socketFailure !== undefined) return socketFailure;
  if (typeof name === 'string' && Object.hasOwn(names, name)) return names[name];
  if (name === 'KafkaJSConnectionError') return connectionError(message);
  const first: unknown = Array.isArray(errors) ? errors[0] : undefined;
  return classify(first, depth + 1) ?? classify(cause, depth + 1);
}

/** Before anything was written the client says so; a connection that broke later may have carried the request. */
function connectionError(message: unknown): Classification {
  const text = typeof message === 'string' ? message : '';
  const isEarly = text.startsWith('Connection timeout') || text.startsWith('Failed to connect');
  return isEarly ? refused('NOT_CONNECTED') : unclear('NOT_CONNECTED');
}

/** The broker's name for what went wrong, wherever the client has put it. */
export function errorType(error: unknown, depth = 0): string | undefined {
  if (typeof error !== 'object' || error === null || depth > 4) return undefined;
  const { type, cause } = error as ErrorLike;
  return typeof type === 'string' ? type : errorType(cause, depth + 1);
}
