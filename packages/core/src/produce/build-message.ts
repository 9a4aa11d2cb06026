import type { Destination } from '../destination.ts';
import type { Driver } from '../driver-interface.ts';
import { AnymqError, type ErrorCode } from '../errors.ts';
import type { Headers, OutgoingMessage } from '../message.ts';
import { invalidOption, requireKnown, requireNumber } from '../options.ts';
import { validate } from '../schema.ts';
import type { SendOptions } from '../send-types.ts';
import { isReservedHeader } from '../wire.ts';
import { randomId } from './random-id.ts';
import { requireCapability } from './require-capability.ts';

/** What a destination's messages are checked against, read once per producer. */
export interface MessageContext {
  readonly destination: Destination;
  readonly driver: Driver;
  readonly source: string;
}

const weekMs = 604_800_000;
const maxHeaderBytes = 16_384;
const noHeaders: Headers = Object.freeze({});
const known = ['id', 'key', 'headers', 'delayMs', 'priority', 'expiresAfterMs', 'signal'];

/**
 * The message to send: body validated and encoded, options checked. Nothing has been sent when it throws or rejects:
 * INVALID_OPTION, INVALID_MESSAGE, TOO_LARGE, UNSUPPORTED. A promise only where the schema is asynchronous.
 */
export function buildMessage(
  context: MessageContext,
  body: unknown,
  options: SendOptions | undefined,
  time: Date,
): OutgoingMessage | Promise<OutgoingMessage> {
  const { schema } = context.destination;
  if (schema !== undefined) {
    const parsed = validate(schema, body);
    if (parsed instanceof Promise) return parsed.then(() => assemble(context, body, options, time));
  }
  return assemble(context, body, options, time);
}

function assemble(
  context: MessageContext,
  body: unknown,
  options: SendOptions | undefined,
  time: Date,
): OutgoingMessage {
  const { destination } = context;
  const { codec, type, maxBytes } = destination;
  const encoded = codec.encode(body);
  const { maxBodyBytes } = context.driver.limits;
  requireSize(encoded.byteLength, maxBytes === undefined || maxBytes > maxBodyBytes ? maxBodyBytes : maxBytes, 'body');
  const message = {
    id: options?.id ?? randomId(),
    key: options?.key ?? destination.key?.(body),
    headers: options?.headers ?? noHeaders,
    time,
    type: typeof type === 'string' ? type : type(body),
    source: context.source,
    contentType: codec.contentType,
    body: encoded,
    extensions: undefined,
    dueAt: undefined as number | undefined,
    priority: options?.priority,
    expiresAt: undefined as number | undefined,
  };
  if (message.key !== undefined)
    requireText('key', message.key, 256, options?.key === undefined ? 'INVALID_MESSAGE' : 'INVALID_OPTION');
  if (options === undefined) return message;
  checkOptions(context, options);
  if (options.delayMs) message.dueAt = time.getTime() + options.delayMs;
  if (options.expiresAfterMs !== undefined) message.expiresAt = time.getTime() + options.expiresAfterMs;
  return message;
}

function checkOptions(context: MessageContext, options: SendOptions): void {
  const { destination, driver } = context;
  requireKnown('send', options, known);
  if (options.id !== undefined) requireText('id', options.id, 128, 'INVALID_OPTION');
  if (options.headers !== undefined) checkHeaders(options.headers);
  if (options.delayMs !== undefined) checkDelay(options.delayMs, destination);
  if (options.priority !== undefined) {
    requireCapability(driver, 'priority', 'priority');
    if (destination.ordering === 'key') {
      throw invalidOption(
        `priority would break the order of '${destination.name}'. Leave it out, or send urgent messages to a queue of their own.`,
      );
    }
    requireNumber('priority', options.priority, { min: 0, max: 9, integer: true });
  }
  if (options.expiresAfterMs !== undefined) {
    requireCapability(driver, 'expiry', 'expiresAfterMs');
    requireNumber('expiresAfterMs', options.expiresAfterMs, { min: 1 });
  }
}

function checkDelay(delayMs: number, { name, retentionMs = Infinity }: Destination): void {
  requireNumber('delayMs', delayMs, { min: 0, max: weekMs });
  if (delayMs >= retentionMs) {
    throw invalidOption(
      `delayMs ${delayMs} is not below the retention of '${name}' (${retentionMs} ms): the message would be gone before it is due.`,
    );
  }
}

function checkHeaders(headers: Headers): void {
  let size = 0;
  for (const [name, value] of Object.entries(headers)) {
    if (typeof value !== 'string') throw invalidOption('Header values are strings. Convert them before sending.');
    if (name === '' || !name.isWellFormed() || !value.isWellFormed()) {
      throw invalidOption('Header names are not empty, and names and values are well-formed Unicode.');
    }
    if (isReservedHeader(name))
      throw invalidOption(`The header name '${name.slice(0, 64)}' is reserved. Choose another.`);
    size += Buffer.byteLength(name) + Buffer.byteLength(value);
  }
  requireSize(size, maxHeaderBytes, 'headers');
}

function requireText(what: string, value: unknown, maxBytes: number, code: ErrorCode): void {
  const fits =
    typeof value === 'string' &&
    value !== '' &&
    value.isWellFormed() &&
    (value.length * 3 <= maxBytes || Buffer.byteLength(value) <= maxBytes);
  if (!fits)
    throw new AnymqError(code, `The message's ${what} is well-formed text of 1 to ${maxBytes} bytes of UTF-8.`);
}

function requireSize(bytes: number, maxBytes: number, what: string): void {
  if (bytes <= maxBytes) return;
  throw new AnymqError(
    'TOO_LARGE',
    `The message's ${what} has ${bytes} bytes, and at most ${maxBytes} are accepted. Store it elsewhere and send a reference.`,
    { outcome: 'not-sent' },
  );
}
