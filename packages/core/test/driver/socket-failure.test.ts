import { expect, test } from 'vitest';
import { classifySocketError } from '../../src/driver.ts';

const passing = { code: 'NOT_CONNECTED', retryable: true };

test.each([
  'ECONNREFUSED',
  'ENOTFOUND',
  'CERT_HAS_EXPIRED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'ERR_TLS_CERT_ALTNAME_INVALID',
])('%s: there was no connection, so nothing was sent', (code) => {
  expect(classifySocketError({ code })).toEqual({ ...passing, outcome: 'not-sent' });
});

test('what breaks while connecting was not sent, and what breaks later may have been', () => {
  expect(classifySocketError({ code: 'ETIMEDOUT', syscall: 'connect' })).toEqual({ ...passing, outcome: 'not-sent' });
  expect(classifySocketError({ code: 'ECONNRESET', syscall: 'read' })).toEqual({ ...passing, outcome: 'unknown' });
});

test.each([{}, { code: 404 }, { code: 'ERR_INVALID_ARG_TYPE' }, { code: 'NOT_CERT_AT_ALL' }])(
  '%o is no failure of a socket',
  (error) => {
    expect(classifySocketError(error)).toBeUndefined();
  },
);
