import { isUtf8 } from 'node:buffer';
import {
  createWireFormat,
  type FailureRecord,
  type HeldMessage,
  type OutgoingMessage,
  type Received,
  type StoredLetter,
  toLetter,
  type WireFormat,
  type WireMessage,
} from '@anymq/core/driver';

/** Everything that Redis takes as an argument. */
export type Argument = string | number | Buffer;

/** An entry of a stream as it is read: its id, and name, value, name, value …, all of them bytes. */
export interface StoredEntry {
  readonly id: string;
  readonly fields: readonly Uint8Array[];
}

/** Where an entry stands, for what a foreign message lacks. */
export interface EntryContext {
  readonly destination: string;
  /** 0 for an unordered destination. */
  readonly partition: number;
  readonly isOrdered: boolean;
  readonly nowMs: number;
}

/** What `recordHeld` keeps beside the group. */
export interface HeldRecord {
  readonly attempt: number;
  readonly heldUntil: number;
  readonly failure?: FailureRecord | undefined;
}

const wire: WireFormat = createWireFormat({ attributePrefix: 'ce_', headerPrefix: 'h:' });
const bodyField = 'data';
/** Says of a copy that the message was delivered before. */
export const againField = 'anymq-again';
/** Scripts hand fields on as arguments, of which Lua takes 8,000: beyond this many, headers are one field, as a JSON list. */
const maxFields = 2000;
const foldedField = 'anymq-headers';
const maxTextBytes = 16_384;
const noBytes = new Uint8Array(0);

/** Name, value, name, value …, the body among them. */
export function encodeMessage(message: OutgoingMessage): Argument[] {
  const fields: Argument[] = wire.encode(message);
  const entry = fields.length > maxFields ? foldHeaders(fields as string[]) : fields;
  entry.push(bodyField, encodeBody(message.body));
  return entry;
}

/** The client writes a command of texts alone several times as fast as one with bytes among them. */
function encodeBody({ buffer, byteOffset, byteLength }: Uint8Array): string | Buffer {
  const bytes = Buffer.from(buffer, byteOffset, byteLength);
  return byteLength <= maxTextBytes && isUtf8(bytes) ? bytes.toString('utf8') : bytes;
}

function foldHeaders(fields: readonly string[]): Argument[] {
  const kept: string[] = [];
  const folded: string[] = [];
  for (let index = 0; index + 1 < fields.length; index += 2) {
    const [name = '', value = ''] = fields.slice(index, index + 2);
    (name.startsWith('h:') ? folded : kept).push(name, value);
  }
  return [...kept, foldedField, JSON.stringify(folded)];
}

/** What a receiver hands on. The caller fills in the token and what it knows of earlier deliveries. */
export interface DecodedEntry {
  readonly message: WireMessage;
  /** Another program wrote it without an id of its own: copies have to be given the one that it was shown with. */
  readonly isForeign: boolean;
  readonly bytes: number;
}

/** Total: never throws, whoever wrote the entry. */
export function decodeEntry({ id, fields }: StoredEntry, context: EntryContext): DecodedEntry {
  const texts: unknown[] = [];
  let body: Uint8Array | undefined;
  let wasDelivered = false;
  let hasId = false;
  let bytes = 0;
  for (let index = 0; index + 1 < fields.length; index += 2) {
    const name = textAt(index, fields[index] as Uint8Array);
    const value = fields[index + 1] as Uint8Array;
    bytes += value.length;
    if (name === bodyField) body ??= copyOf(value);
    else if (name === againField) wasDelivered = true;
    else if (name === foldedField) texts.push(...unfold(value));
    else {
      if (name === 'ce_id' && value.length > 0) hasId = true;
      texts.push(name, textAt(index + 1, value));
    }
  }
  const message = wire.decode(texts, fallbackOf(id, context));
  message.body = body ?? noBytes;
  message.redelivered = wasDelivered;
  if (context.isOrdered) message.partition = context.partition;
  return { message, isForeign: !hasId, bytes };
}

/** The reply's memory would stay for as long as the body. Into Node's pool, as an array of its own takes three times as long. */
function copyOf(value: Uint8Array): Uint8Array {
  const { buffer, byteOffset, byteLength } = Buffer.from(value);
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** What stood last in each place of an entry: names and most values are the same again, and are compared rather than made anew. */
const lastTexts: string[] = [];
const maxPlaces = 64;
const maxRepeated = 64;

function textAt(place: number, value: Uint8Array): string | Uint8Array {
  const last = lastTexts[place];
  if (last !== undefined && isAscii(last, value)) return last;
  const made = text(value);
  if (typeof made === 'string' && place < maxPlaces && value.length <= maxRepeated) lastTexts[place] = made;
  return made;
}

/** Whether these bytes are this text; false for one with other letters than ASCII's. */
function isAscii(expected: string, bytes: Uint8Array): boolean {
  if (expected.length !== bytes.length) return false;
  for (let index = 0; index < bytes.length; index += 1) {
    const byte = bytes[index] as number;
    if (byte > 127 || byte !== expected.charCodeAt(index)) return false;
  }
  return true;
}

/** Bytes that are no text are left to the wire format, which has a rule for them. */
function text(value: Uint8Array): string | Uint8Array {
  const decoded = (value as Buffer).toString('utf8');
  return decoded.includes('\uFFFD') ? value : decoded;
}

function unfold(value: Uint8Array): readonly unknown[] {
  try {
    const list: unknown = JSON.parse((value as Buffer).toString('utf8'));
    return Array.isArray(list) && list.length % 2 === 0 ? list : [];
  } catch {
    return [];
  }
}

function fallbackOf(
  id: string,
  { destination, partition, isOrdered, nowMs }: EntryContext,
): Parameters<WireFormat['decode']>[1] {
  return {
    id: isOrdered ? `${partition}-${id}` : id,
    timeMs: millisecondsOf(id),
    nowMs,
    source: `/${destination}`,
    type: destination,
  };
}

/** Ids of entries begin with the server's time. */
export function millisecondsOf(id: string): number {
  const dash = id.indexOf('-');
  return Number(dash === -1 ? id : id.slice(0, dash));
}

/** Fields that a copy gets in place of the original's. */
export interface CopyFields {
  readonly attempt?: number | undefined;
  readonly dueAt?: number | undefined;
  readonly failure?: FailureRecord | undefined;
}

const empty: OutgoingMessage = {
  id: '',
  headers: {},
  time: new Date(0),
  type: '',
  source: '',
  body: noBytes,
};

/** Of the wire format, only the fields of the library: the rest is copied at the server as it stands there. */
export function encodeCopyFields({ attempt = 1, dueAt, failure }: CopyFields): string[] {
  const fields = wire.encode(empty, { attempt, dueAt, failure });
  return pick(fields, ['anymq-attempt', 'anymq-due', 'anymq-failure']);
}

/** What a message without an id of its own was shown with. */
export function encodeIdentity(message: Received): string[] {
  return pick(wire.encode(message), ['ce_specversion', 'ce_id', 'ce_source', 'ce_type', 'ce_time']);
}

function pick(fields: readonly string[], names: readonly string[]): string[] {
  const picked: string[] = [];
  for (let index = 0; index + 1 < fields.length; index += 2) {
    const [name = '', value = ''] = fields.slice(index, index + 2);
    if (names.includes(name)) picked.push(name, value);
  }
  return picked;
}

export function decodeLetter(entry: StoredEntry, ref: object, context: EntryContext): StoredLetter {
  const { message } = decodeEntry(entry, context);
  return toLetter(message, ref, { atMs: millisecondsOf(entry.id), destination: context.destination });
}

export function encodeHeld({ attempt, heldUntil, failure }: HeldMessage): string {
  return JSON.stringify({ attempt, heldUntil, failure });
}

export function decodeHeld(value: Uint8Array | null): HeldRecord | undefined {
  if (value === null) return undefined;
  try {
    return JSON.parse((value as Buffer).toString('utf8')) as HeldRecord;
  } catch {
    return undefined;
  }
}
