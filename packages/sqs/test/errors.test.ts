import { AnymqError } from '@anymq/core/driver';
import { expect, test } from 'vitest';
import { classifyError, entryError, isMissing, notSent, ownError } from '../src/errors.ts';

const aws = (name: string, httpStatusCode: number, message = ''): object =>
  Object.assign(new Error(message), { name, $metadata: { httpStatusCode } });

// Names: the API references of SQS and SNS, their common errors, and what the SDK throws by itself.
const cases: readonly (readonly [string, unknown, string, boolean, string])[] = [
  ['no such queue', aws('QueueDoesNotExist', 400), 'NOT_FOUND', false, 'not-sent'],
  [
    'no such queue, by the name of the query protocol',
    aws('AWS.SimpleQueueService.NonExistentQueue', 400),
    'NOT_FOUND',
    false,
    'not-sent',
  ],
  ['no such topic', aws('NotFoundException', 404), 'NOT_FOUND', false, 'not-sent'],
  ['no right on SQS', aws('AccessDenied', 403), 'ACCESS_DENIED', false, 'not-sent'],
  ['no right on SNS', aws('AuthorizationErrorException', 403), 'ACCESS_DENIED', false, 'not-sent'],
  ['no right to the key', aws('KmsAccessDenied', 400), 'ACCESS_DENIED', false, 'not-sent'],
  ['a forbidden call of another name', aws('SomethingElse', 403), 'ACCESS_DENIED', false, 'not-sent'],
  ['unknown credentials', aws('InvalidClientTokenId', 403), 'UNAUTHENTICATED', false, 'not-sent'],
  ['a session that has ended', aws('ExpiredTokenException', 400), 'UNAUTHENTICATED', false, 'not-sent'],
  ['credentials that cannot be renewed', aws('CredentialsProviderError', 0), 'UNAUTHENTICATED', true, 'not-sent'],
  ['a token that cannot be renewed', aws('TokenProviderError', 0), 'UNAUTHENTICATED', true, 'not-sent'],
  ['too many calls', aws('ThrottlingException', 400), 'THROTTLED', true, 'not-sent'],
  ['too many calls, by status', aws('Whatever', 429), 'THROTTLED', true, 'not-sent'],
  ['too much in flight', aws('OverLimit', 403), 'THROTTLED', true, 'not-sent'],
  ['a batch that is too long', aws('AWS.SimpleQueueService.BatchRequestTooLong', 400), 'TOO_LARGE', false, 'not-sent'],
  [
    'a message that is too long for a topic',
    aws('InvalidParameterException', 400, 'Invalid parameter: Message too long'),
    'TOO_LARGE',
    false,
    'not-sent',
  ],
  [
    'a message that is too long for a queue',
    aws(
      'InvalidParameterValue',
      400,
      'One or more parameters are invalid. Reason: Message must be shorter than 1048576 bytes.',
    ),
    'TOO_LARGE',
    false,
    'not-sent',
  ],
  ['any other parameter', aws('InvalidParameterValue', 400, 'no'), 'INVALID_OPTION', false, 'not-sent'],
  ['a queue with other settings', aws('QueueNameExists', 400), 'TOPOLOGY_MISMATCH', false, 'not-sent'],
  ['a second purge within a minute', aws('PurgeQueueInProgress', 403), 'CONFLICT', true, 'not-sent'],
  ['a failure of AWS', aws('InternalFailure', 500), 'UNKNOWN', true, 'unknown'],
  ['no answer in time', aws('TimeoutError', 0), 'TIMEOUT', true, 'unknown'],
  ['nobody listens', Object.assign(new Error('x'), { code: 'ECONNREFUSED' }), 'NOT_CONNECTED', true, 'not-sent'],
  ['the connection broke', Object.assign(new Error('x'), { code: 'ECONNRESET' }), 'NOT_CONNECTED', true, 'unknown'],
  ['a body that arrived changed', new Error('Invalid MD5 checksum on messages: 1'), 'UNKNOWN', true, 'unknown'],
  ['nothing', undefined, 'UNKNOWN', true, 'unknown'],
  ['an error of core', new AnymqError('INVALID_OPTION', 'no'), 'INVALID_OPTION', false, 'undefined'],
  [
    'our own: core knows whether something was being sent',
    ownError('ADAPTER_MISSING', 'no'),
    'ADAPTER_MISSING',
    false,
    'undefined',
  ],
  ['our own, of a message', notSent('TOO_LARGE', 'no'), 'TOO_LARGE', false, 'not-sent'],
];

test.each(cases)('%s', (_name, error, code, retryable, outcome) => {
  const found = classifyError(error);
  expect([found.code, found.retryable, String(found.outcome)]).toEqual([code, retryable, outcome]);
});

test('an entry that AWS refused for a reason of its own may be sent again, one that was wrong may not', () => {
  expect(classifyError(entryError({ Code: 'InternalError', SenderFault: false }))).toMatchObject({ retryable: true });
  expect(classifyError(entryError({ Code: 'NeverHeardOf', SenderFault: true }))).toMatchObject({ retryable: false });
  expect(classifyError(entryError({ Code: 'ThrottlingException', SenderFault: true }))).toMatchObject({
    code: 'THROTTLED',
    retryable: true,
  });
});

test('what is missing is told from what is refused', () => {
  expect(isMissing(aws('QueueDoesNotExist', 400))).toBe(true);
  expect(isMissing(aws('AccessDenied', 403))).toBe(false);
});
