import type { Classification } from './driver-interface.ts';

/** Of connecting and of name resolution. */
const unreachable: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENETDOWN',
  'ENOENT',
]);
const broken: ReadonlySet<string> = new Set([
  'ECONNRESET',
  'EPIPE',
  'ECONNABORTED',
  'ETIMEDOUT',
  'ESOCKET',
  'ERR_STREAM_PREMATURE_CLOSE',
]);
const certificate = /^(?:ERR_TLS_|CERT_|DEPTH_ZERO_SELF_SIGNED_CERT$|SELF_SIGNED_CERT|UNABLE_TO_(?:VERIFY|GET_ISSUER))/;

/**
 * What Node says of sockets, names and certificates, by the error's `code`: NOT_CONNECTED, which passes, as a server comes
 * back and a certificate is renewed. What failed before there was a connection was not sent. Undefined: it is none of these.
 */
export function classifySocketError(error: object): Classification | undefined {
  const { code, syscall } = error as { readonly code?: unknown; readonly syscall?: unknown };
  if (typeof code !== 'string') return undefined;
  const isBroken = broken.has(code);
  const isEarly = unreachable.has(code) || certificate.test(code) || (isBroken && syscall === 'connect');
  if (!isBroken && !isEarly) return undefined;
  return { code: 'NOT_CONNECTED', retryable: true, outcome: isEarly ? 'not-sent' : 'unknown' };
}
