import { createHash } from 'node:crypto';
import { isUtf8 } from 'node:buffer';
import {
  createWireFormat,
  type OutgoingMessage,
  type StoredLetter,
  type Token,
  toLetter,
  type WireFormat,
  type WireMessage,
  type WireMeta,
} from '@anymq/core/driver';
import type { TextAttribute } from './batches.ts';
import type { RawMessage } from './sqs-endpoint.ts';

const wire: WireFormat = createWireFormat({ attributePrefix: 'ce_' });

/** Attributes of their own; everything else is in one, as JSON. Seven of ten, so that three are left for headers that filters need. */
const own: ReadonlySet<string> = new Set([
  'ce_specversion',
  'ce_id',
  'ce_source',
  'ce_type',
  'content-type',
  'traceparent',
]);
const restName = 'anymq';
/** In the rest: the body is base64, for SQS takes neither nothing nor bytes that are no text. */
const bodyMark = 'anymq-body';
/** What an empty body is on the wire: base64 of nothing. */
const emptyBody = '=';
export const maxFilterHeaders = 3;

export interface Encoded {
  readonly body: string;
  readonly attributes: Record<string, TextAttribute>;
  readonly bytes: number;
}

/** What a text on SQS may hold: the API reference of SendMessage. Half of a surrogate pair is none. */
const notText = /[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/u;
/** The API references of SQS and SNS. */
const attributeName = /^(?!\.)(?!.*\.\.)[A-Za-z0-9_.-]{1,256}(?<!\.)$/;

export function isAttributeName(name: string): boolean {
  return attributeName.test(name) && !/^(aws|amazon)\./i.test(name) && !own.has(name) && name !== restName;
}

/** `filtered`: headers that are attributes as well, for filters to see. */
export function encodeMessage(message: OutgoingMessage, meta?: WireMeta, filtered: readonly string[] = []): Encoded {
  const fields = wire.encode(message, meta);
  const text = textOf(message.body);
  const attributes: Record<string, TextAttribute> = {};
  const rest: string[] = [];
  for (let index = 0; index < fields.length; index += 2) {
    const [name, value] = [fields[index] as string, fields[index + 1] as string];
    if (own.has(name) && isValue(value)) attributes[name] = textAttribute(value);
    else rest.push(`${JSON.stringify(name)}:${JSON.stringify(value)}`);
  }
  if (text === undefined) rest.push(`"${bodyMark}":"base64"`);
  for (const name of filtered) {
    const value = message.headers[name];
    if (value !== undefined && isValue(value)) attributes[name] = textAttribute(value);
  }
  attributes[restName] = textAttribute(ascii(`{${rest.join(',')}}`));
  const body = text ?? (base64(message.body) || emptyBody);
  return { body, attributes, bytes: sizeOf(body, attributes) };
}

function isValue(value: string): boolean {
  return value !== '' && !notText.test(value);
}

function textAttribute(value: string): TextAttribute {
  return { DataType: 'String', StringValue: value };
}

/** Undefined for what has to go as base64. */
function textOf({ buffer, byteOffset, byteLength }: Uint8Array): string | undefined {
  const bytes = Buffer.from(buffer, byteOffset, byteLength);
  if (byteLength === 0 || !isUtf8(bytes)) return undefined;
  const text = bytes.toString('utf8');
  return notText.test(text) ? undefined : text;
}

function base64({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString('base64');
}

function ascii(json: string): string {
  return json.replace(/[\u007f-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

function sizeOf(body: string, attributes: Readonly<Record<string, TextAttribute>>): number {
  let bytes = Buffer.byteLength(body);
  for (const name of Object.keys(attributes))
    bytes += name.length + 'String'.length + Buffer.byteLength(attributes[name]?.StringValue ?? '');
  return bytes;
}

/** What a foreign message lacks. */
export interface MessageContext {
  readonly destination: string;
  readonly nowMs: number;
}

/** Total: never throws, whoever wrote the message. */
export function decodeMessage(raw: RawMessage, { destination, nowMs }: MessageContext): WireMessage {
  const { MessageId: id = '', MessageAttributes = {}, Attributes = {} } = raw;
  const rest = parseRest(MessageAttributes[restName]?.StringValue);
  const fields: unknown[] = [];
  for (const [name, { StringValue, BinaryValue }] of Object.entries(MessageAttributes)) {
    // A header that filters look at is in the rest as well.
    if (name !== restName && !Object.hasOwn(rest, name)) fields.push(name, StringValue ?? BinaryValue);
  }
  for (const [name, value] of Object.entries(rest)) if (name !== bodyMark) fields.push(name, value);
  const message = wire.decode(fields, {
    id,
    timeMs: sentAt(raw) ?? nowMs,
    nowMs,
    source: `/${destination}`,
    type: destination,
    key:
      MessageAttributes['ce_id'] === undefined && rest['ce_id'] === undefined
        ? keyOf(Attributes.MessageGroupId)
        : undefined,
  });
  message.body = bodyOf(raw.Body ?? '', rest[bodyMark] === 'base64');
  return message;
}

/** The message group of a foreign message is its key; those that we made up are none. */
function keyOf(group: string | undefined): string | undefined {
  return group === undefined || group.startsWith(madeUp) ? undefined : group;
}

function bodyOf(text: string, isBase64: boolean): Uint8Array {
  return new Uint8Array(Buffer.from(text, isBase64 ? 'base64' : 'utf8'));
}

function parseRest(text: string | undefined): Readonly<Record<string, unknown>> {
  if (text === undefined) return {};
  try {
    const rest: unknown = JSON.parse(text);
    return typeof rest === 'object' && rest !== null && !Array.isArray(rest) ? { ...rest } : {};
  } catch {
    return {};
  }
}

/** A letter that SQS or another program put there has no failure that we know. */
export function decodeLetter(raw: RawMessage, ref: Token, context: MessageContext): StoredLetter {
  const unknown = { name: 'Unknown', atMs: sentAt(raw) ?? context.nowMs, destination: context.destination };
  return toLetter(decodeMessage(raw, context), ref, unknown);
}

function sentAt({ Attributes }: RawMessage): number | undefined {
  const sentMs = Number(Attributes?.SentTimestamp);
  return Number.isFinite(sentMs) ? sentMs : undefined;
}

/** Of groups that stand for no key. A dot cannot begin a hash. */
const madeUp = '.anymq-';
/** Groups of messages that wait for their time. */
const waiting = `${madeUp}due-`;

/** The message group of a key: the key itself where SQS takes it (1 to 128 of these characters), otherwise its hash. */
export function groupOf(key: string | undefined, id: string): string {
  if (key === undefined) return `${madeUp}${hash(id)}`;
  return /^[\w!"#$%&'()*+,./:;<=>?@[\\\]^`{|}~-]{1,128}$/.test(key) && !key.startsWith('.') ? key : `.${hash(key)}`;
}

/** On a standard queue a group is no order, only whom SQS serves less while it fills the queue: SQS Developer Guide, fair queues. */
export function fairGroup(isFair: boolean, key: string | undefined): { readonly groupId?: string } {
  return isFair && key !== undefined ? { groupId: groupOf(key, '') } : {};
}

/** A message that is not due waits in a group of its own, and holds up nobody. */
export function waitingGroup(id: string): string {
  return `${waiting}${hash(id)}`;
}

export function isWaitingGroup(group: string | undefined): boolean {
  return group?.startsWith(waiting) === true;
}

/** FIFO queues drop a repeated one for five minutes in silence: only what is the same send has the same. */
export function deduplicationId(id: string, generation: string): string {
  return hash(`${generation} ${id}`);
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}
