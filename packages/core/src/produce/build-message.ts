import type { Capabilities, Limits } from '../capabilities.ts';
import type { Destination } from '../destination.ts';
import { AnymqError } from '../errors.ts';
import type { Headers, OutgoingMessage } from '../message.ts';
import { validate } from '../schema.ts';
import type { SendOptions } from '../send-types.ts';
import type { checkMessage } from './check-message.ts';
import { randomId } from './random-id.ts';

/** What a destination's messages are checked against, read once per producer. */
export interface MessageContext {
  readonly destination: Destination;
  readonly driver: {
    readonly name: string;
    readonly capabilities: Pick<Capabilities, 'priority' | 'expiry'>;
    readonly limits: Pick<Limits, 'maxBodyBytes'>;
  };
  readonly source: string;
}

const noHeaders: Headers = Object.freeze({});

/**
 * The message to send: body validated and encoded, and the rest checked, by what is loaded where there is a key or an
 * option. Nothing has been sent when it throws or rejects: INVALID_OPTION, INVALID_MESSAGE, TOO_LARGE, UNSUPPORTED. A
 * promise only where the schema is asynchronous.
 */
export function buildMessage(
  context: MessageContext,
  body: unknown,
  options: SendOptions | undefined,
  time: Date,
  check: typeof checkMessage | undefined,
): OutgoingMessage | Promise<OutgoingMessage> {
  const { schema } = context.destination;
  const assemble = (): OutgoingMessage => {
    const message = encode(context, body, options, time);
    check?.(context, message, options);
    return message;
  };
  if (schema !== undefined) {
    const parsed = validate(schema, body);
    if (parsed instanceof Promise) return parsed.then(assemble);
  }
  return assemble();
}

function encode(
  { destination, driver, source }: MessageContext,
  body: unknown,
  options: SendOptions | undefined,
  time: Date,
): OutgoingMessage {
  const { codec, type, maxBytes = Infinity } = destination;
  const encoded = codec.encode(body);
  const eventType = typeof type === 'string' ? type : type(body);
  // Told to the caller as what a codec throws.
  if (!ArrayBuffer.isView(encoded) || typeof eventType !== 'string') throw new TypeError();
  requireSize(encoded.byteLength, Math.min(maxBytes, driver.limits.maxBodyBytes), 'body');
  return {
    id: options?.id ?? randomId(),
    key: options?.key ?? destination.key?.(body),
    headers: options?.headers ?? noHeaders,
    time,
    type: eventType,
    source,
    contentType: codec.contentType,
    body: encoded,
    extensions: undefined,
    dueAt: undefined,
    priority: options?.priority,
    expiresAt: undefined,
  };
}

/** @throws TOO_LARGE */
export function requireSize(bytes: number, maxBytes: number, what: string): void {
  if (bytes <= maxBytes) return;
  throw new AnymqError(
    'TOO_LARGE',
    `The message's ${what} has ${bytes} bytes, and at most ${maxBytes} are accepted. Store it elsewhere and send a reference.`,
    { outcome: 'not-sent' },
  );
}
