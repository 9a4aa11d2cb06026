import type { Destination } from '../destination.ts';
import { AnymqError, type ErrorCode } from '../errors.ts';
import type { Headers, OutgoingMessage } from '../message.ts';
import { invalidOption, requireKnown, requireNumber } from '../options.ts';
import type { SendOptions } from '../send-types.ts';
import { isReservedHeader } from '../wire.ts';
import { type MessageContext, requireSize } from './build-message.ts';
import { requireCapability } from './require-capability.ts';

const weekMs = 604_800_000;
const maxHeaderBytes = 16_384;
const known = ['id', 'key', 'headers', 'delayMs', 'priority', 'expiresAfterMs', 'signal'];

/** Checks what a message has beyond its body, and sets its times. @throws INVALID_OPTION, INVALID_MESSAGE, TOO_LARGE, UNSUPPORTED */
export function checkMessage(
  context: MessageContext,
  message: { -readonly [Name in keyof OutgoingMessage]: OutgoingMessage[Name] },
  options: SendOptions | undefined,
): void {
  if (message.key !== undefined)
    requireText('key', message.key, 256, options?.key === undefined ? 'INVALID_MESSAGE' : 'INVALID_OPTION');
  if (options === undefined) return;
  checkOptions(context, options);
  const { delayMs, expiresAfterMs } = options;
  const sentAt = message.time.getTime();
  if (delayMs) message.dueAt = sentAt + delayMs;
  if (expiresAfterMs !== undefined) message.expiresAt = sentAt + expiresAfterMs;
}

function checkOptions({ destination, driver }: MessageContext, options: SendOptions): void {
  requireKnown('send', requireObject('The options of a send', options), known);
  const { id, headers, delayMs, priority, expiresAfterMs, signal } = options;
  if (signal !== undefined && typeof signal?.addEventListener !== 'function')
    throw invalidOption('signal is that of an AbortController.');
  if (id !== undefined) requireText('id', id, 128, 'INVALID_OPTION');
  if (headers !== undefined) checkHeaders(headers);
  if (delayMs !== undefined) checkDelay(delayMs, destination);
  if (priority !== undefined) {
    requireCapability(driver, 'priority', 'priority', 'Send urgent messages to a queue of their own.');
    if (destination.ordering === 'key') {
      throw invalidOption(
        `priority would break the order of '${destination.name}'. Leave it out, or send urgent messages to a queue of their own.`,
      );
    }
    requireNumber('priority', priority, { min: 0, max: 9, integer: true });
  }
  if (expiresAfterMs !== undefined) {
    requireCapability(driver, 'expiry', 'expiresAfterMs', 'Compare message.time in the handler.');
    requireNumber('expiresAfterMs', expiresAfterMs, { min: 1, max: Number.MAX_SAFE_INTEGER });
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
  for (const [name, value] of Object.entries(requireObject('headers', headers))) {
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

/** A list or a map has its entries elsewhere: they would be ignored in silence. */
function requireObject<T extends object>(what: string, value: T): T {
  if (typeof value === 'object' && value !== null && !(Symbol.iterator in value)) return value;
  throw invalidOption(`${what} must be a plain object.`);
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
