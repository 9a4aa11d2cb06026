import { expect, test } from 'vitest';
import { classifyError, RabbitmqError } from '../src/errors.ts';

const cases: readonly (readonly [string, unknown, string, boolean])[] = [
  ['the broker has no such queue', { code: 404 }, 'NOT_FOUND', false],
  ['no right to it', { code: 403 }, 'ACCESS_DENIED', false],
  ['other arguments', { code: 406 }, 'TOPOLOGY_MISMATCH', false],
  ['locked by another connection', { code: 405 }, 'CONFLICT', true],
  ['the broker shuts down', { code: 320 }, 'NOT_CONNECTED', true],
  ['out of resources', { code: 506 }, 'THROTTLED', true],
  ['nobody listens', { code: 'ECONNREFUSED' }, 'NOT_CONNECTED', true],
  ['no such host', { code: 'ENOTFOUND' }, 'NOT_CONNECTED', true],
  ['the connection broke', { code: 'ECONNRESET' }, 'NOT_CONNECTED', true],
  ['a certificate that is not trusted', { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' }, 'NOT_CONNECTED', true],
  [
    'a wrong password',
    new Error(
      'Handshake terminated by server: 403 (ACCESS-REFUSED) with message "ACCESS_REFUSED - Login was refused using authentication mechanism PLAIN."',
    ),
    'UNAUTHENTICATED',
    false,
  ],
  [
    'no right to the virtual host',
    new Error('Handshake terminated by server: 530 (NOT-ALLOWED) with message "NOT_ALLOWED - vhost x not found"'),
    'ACCESS_DENIED',
    false,
  ],
  [
    'no such virtual host',
    new Error('Expected ConnectionOpenOk; got <ConnectionClose channel:0>'),
    'ACCESS_DENIED',
    true,
  ],
  ['a channel that is closed', { name: 'IllegalOperationError', message: 'Channel closed' }, 'NOT_CONNECTED', true],
  ['no heartbeat', new Error('Heartbeat timeout'), 'NOT_CONNECTED', true],
  ['our own', new RabbitmqError('BLOCKED', 'x'), 'THROTTLED', true],
  ['anything else', new Error('unheard of'), 'UNKNOWN', true],
  ['nothing', undefined, 'UNKNOWN', true],
];

test.each(cases)('%s', (_, error, code, retryable) => {
  expect(classifyError(error)).toMatchObject({ code, retryable });
});
