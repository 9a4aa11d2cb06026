import { AnymqError } from './errors.ts';

/** Turns a body into bytes and back. Pure; `decode` may throw anything, and the message becomes a dead letter. */
export interface Codec<Body> {
  /** Sent as the message's content type. */
  readonly contentType: string;
  encode(body: Body): Uint8Array;
  /** `bytes` is the message's own and must not be changed. */
  decode(bytes: Uint8Array): Body;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** JSON as UTF-8: the default. What JSON cannot hold (undefined, a function, a cycle, a BigInt) is INVALID_MESSAGE. */
export const json: Codec<unknown> = {
  contentType: 'application/json',
  encode: (body) => encoder.encode(stringify(body)),
  decode: (bytes) => JSON.parse(decoder.decode(bytes)) as unknown,
};

/** A string as UTF-8. */
export const text: Codec<string> = {
  contentType: 'text/plain; charset=utf-8',
  encode(body) {
    if (typeof body !== 'string') throw notEncodable('text', 'a string');
    return encoder.encode(body);
  },
  decode: (bytes) => decoder.decode(bytes),
};

/** The bytes themselves: neither copied nor looked at. */
export const bytes: Codec<Uint8Array> = {
  contentType: 'application/octet-stream',
  encode(body) {
    if (!(body instanceof Uint8Array)) throw notEncodable('bytes', 'a Uint8Array');
    return body;
  },
  decode: (body) => body,
};

function stringify(body: unknown): string {
  let encoded: string | undefined;
  try {
    encoded = JSON.stringify(body);
  } catch (error) {
    throw new AnymqError(
      'INVALID_MESSAGE',
      'JSON cannot hold the body (a cycle or a BigInt). Send plain data, or give the destination a codec.',
      { cause: error },
    );
  }
  if (encoded === undefined) throw notEncodable('JSON', 'neither undefined nor a function');
  return encoded;
}

function notEncodable(codec: string, expected: string): AnymqError {
  return new AnymqError(
    'INVALID_MESSAGE',
    `The ${codec} codec takes ${expected}. Send that, or give the destination another codec.`,
  );
}
