import { createRedisStreamsDriver } from '@anymq/redis-streams';
import { expect, test } from 'vitest';
import { classifyError, RedisStreamsError } from '../src/errors.ts';

const coded = (code: string, message = code): Error => Object.assign(new Error(message), { code });

test.each([
  ['WRONGPASS invalid username-password pair or user is disabled.', 'UNAUTHENTICATED', false],
  ['NOAUTH Authentication required.', 'UNAUTHENTICATED', false],
  ["NOPERM User x has no permissions to run the 'evalsha' command", 'ACCESS_DENIED', false],
  ["OOM command not allowed when used memory > 'maxmemory'.", 'THROTTLED', true],
  ["READONLY You can't write against a read only replica.", 'NOT_CONNECTED', true],
  ['LOADING Redis is loading the dataset in memory', 'NOT_CONNECTED', true],
  ['MISCONF Redis is configured to save RDB snapshots', 'NOT_CONNECTED', true],
  ['CLUSTERDOWN The cluster is down', 'NOT_CONNECTED', true],
  ['WRONGTYPE Operation against a key holding the wrong kind of value', 'TOPOLOGY_MISMATCH', false],
  ["NOGROUP No such key 'x' or consumer group 'y'", 'NOT_FOUND', false],
  ["ERR unknown command 'XAUTOCLAIM'", 'SERVER_TOO_OLD', false],
  ["Stream isn't writeable and enableOfflineQueue options is false", 'NOT_CONNECTED', true],
])('%s', (message, code, retryable) => {
  expect(classifyError(new Error(message))).toMatchObject({ code, retryable, outcome: 'not-sent' });
});

test.each([
  ['Connection is closed.', 'NOT_CONNECTED'],
  ['Reached the max retries per request limit (which is 0).', 'NOT_CONNECTED'],
  ['Command timed out', 'TIMEOUT'],
  ['Command aborted due to connection close', 'NOT_CONNECTED'],
  ['something new', 'UNKNOWN'],
])('a send that ends with "%s" may have arrived', (message, code) => {
  expect(classifyError(new Error(message))).toMatchObject({ code, retryable: true, outcome: 'unknown' });
});

test('errors of sockets are told apart: never connected, and cut', () => {
  expect(classifyError(coded('ECONNREFUSED'))).toMatchObject({ code: 'NOT_CONNECTED', outcome: 'not-sent' });
  expect(classifyError(coded('ENOTFOUND'))).toMatchObject({ code: 'NOT_CONNECTED', outcome: 'not-sent' });
  expect(classifyError(coded('ECONNRESET'))).toMatchObject({ code: 'NOT_CONNECTED', outcome: 'unknown' });
});

test('our own errors keep their code', () => {
  expect(classifyError(new RedisStreamsError('CONFLICT', 'm'))).toMatchObject({ code: 'CONFLICT', retryable: false });
  expect(classifyError(new RedisStreamsError('TIMEOUT', 'm'))).toMatchObject({ retryable: true, outcome: 'unknown' });
});

test('where nobody listens, connecting fails at once and leaves nothing behind', async () => {
  const sockets = (): number => process.getActiveResourcesInfo().filter((name) => name.startsWith('TCP')).length;
  const before = sockets();
  const error: unknown = await createRedisStreamsDriver({ port: 1 }).catch((reason: unknown) => reason);
  expect(classifyError(error)).toMatchObject({ code: 'NOT_CONNECTED', retryable: true });
  await expect.poll(sockets).toBeLessThanOrEqual(before);
});
