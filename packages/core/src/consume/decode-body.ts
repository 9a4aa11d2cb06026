import type { Destination } from '../destination.ts';
import { AnymqError } from '../errors.ts';
import type { Message } from '../message.ts';
import { validate } from '../schema.ts';

/** The body as handlers get it. A promise only where the schema is asynchronous. @throws DECODE_FAILED, INVALID_MESSAGE */
export function decodeBody({ codec, schema }: Destination, message: Message): unknown {
  let body: unknown;
  try {
    body = codec.decode(message.body);
    if (schema === undefined) return body;
    const parsed = validate(schema, body);
    return parsed instanceof Promise ? parsed.catch((error: unknown) => Promise.reject(undecodable(error))) : parsed;
  } catch (error) {
    throw undecodable(error);
  }
}

function undecodable(cause: unknown): AnymqError {
  if (AnymqError.isInstance(cause)) return cause;
  return new AnymqError('DECODE_FAILED', "The destination's codec cannot decode the body.", { cause });
}
