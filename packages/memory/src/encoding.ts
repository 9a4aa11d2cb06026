import {
  createWireFormat,
  type OutgoingMessage,
  type Received,
  type StoredLetter as Letter,
  type WireFormat,
  type WireMessage,
  type WireMeta,
} from '@anymq/core/driver';
import { type BodyStore, copyBodies } from './body-store.ts';
import type { StoredLetter } from './dead-letter-list.ts';
import { ForeignMessage } from './foreign-message.ts';
import { type DeliveryToken, StoredMessage } from './stored-message.ts';

const wire: WireFormat = createWireFormat({ attributePrefix: 'ce_' });
const usualPriority = 4;
const noBytes = new Uint8Array(0);

export interface EncodingContext {
  readonly bodies: BodyStore;
  readonly nowMs: number;
  /** A longer delay comes early, with its due time. */
  readonly maxDelayMs: number;
}

export interface DecodingContext {
  readonly bodies: BodyStore;
  readonly nowMs: number;
  readonly isOrdered: boolean;
}

/** A copy of the message as the broker keeps it. Without `meta`: a first send. */
export function encodeMessage(message: OutgoingMessage, context: EncodingContext, meta?: WireMeta): StoredMessage {
  const { body, headers } = message;
  const { bodies } = context;
  const start = bodies.put(body);
  const dueAt = meta === undefined ? message.dueAt : meta.dueAt;
  let bytes = body.length + (message.key?.length ?? 0);
  for (const name of Object.keys(headers)) bytes += name.length + (headers[name]?.length ?? 0);
  return new StoredMessage(
    message.id,
    wire.encode(message, meta),
    bodies.slab,
    start,
    body.length,
    bytes,
    message.key,
    message.priority ?? usualPriority,
    dueAt === undefined ? 0 : Math.min(dueAt, context.nowMs + context.maxDelayMs),
    message.expiresAt ?? 0,
  );
}

/** What a receiver hands to core. Bodies are copied, so that no handler can change what others receive. */
export function decodeDeliveries(tokens: readonly DeliveryToken[], context: DecodingContext): Received[] {
  const places = tokens.map((token) => token.entry.message);
  const copies = copyBodies(places, context.bodies);
  return tokens.map((token, index) => decodeDelivery(token, copies[index] ?? noBytes, context));
}

function decodeDelivery(token: DeliveryToken, body: Uint8Array, { nowMs, isOrdered }: DecodingContext): Received {
  const { entry } = token;
  const received = decode(entry.message, nowMs);
  received.token = token;
  received.body = body;
  received.crashCount = entry.crashCount;
  received.suspect = entry.isSuspect;
  received.redelivered = entry.wasDelivered;
  if (isOrdered) received.partition = entry.message.partition;
  if (entry.heldAttempt > 0) {
    received.attempt = entry.heldAttempt;
    received.heldUntil = entry.heldUntil;
    received.failure = entry.heldFailure ?? received.failure;
  }
  return received;
}

/** The message alone, without what belongs to one delivery of it. */
export function decodeMessage(stored: StoredMessage, bodies: BodyStore, nowMs: number): OutgoingMessage {
  const { id, key, headers, time, type, source, contentType, extensions, priority, expiresAt } = decode(stored, nowMs);
  const body = copyBody(stored, bodies);
  return { id, key, headers, time, type, source, contentType, extensions, body, priority, expiresAt };
}

export function decodeLetter(letter: StoredLetter, bodies: BodyStore, nowMs: number): Letter {
  const { id, key, headers, time, type, source, contentType, extensions, failure } = decode(letter.message, nowMs);
  if (failure === undefined) throw new TypeError('A stored dead letter has no failure record.');
  const body = copyBody(letter.message, bodies);
  return { id, key, headers, time, type, source, contentType, extensions, body, ref: letter, failure };
}

/** Nothing is missing in what this driver wrote; one object for all messages of a millisecond. */
let fallback = { id: '', timeMs: 0, nowMs: 0, source: '', type: '' };

function decode(message: StoredMessage, nowMs: number): WireMessage {
  if (message instanceof ForeignMessage) return wire.decode(message.fields, { ...message.fallback, nowMs });
  if (fallback.nowMs !== nowMs) fallback = { id: '', timeMs: nowMs, nowMs, source: '', type: '' };
  return wire.decode(message.fields, fallback);
}

function copyBody(message: StoredMessage, bodies: BodyStore): Uint8Array {
  return copyBodies([message], bodies)[0] ?? noBytes;
}
