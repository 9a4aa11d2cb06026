import {
  createWireFormat,
  type Message,
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
export function decodeDeliveries(
  tokens: readonly DeliveryToken[],
  context: { readonly bodies: BodyStore; readonly nowMs: number; readonly isOrdered: boolean },
): Received[] {
  const copies = copyBodies(
    tokens.map((token) => token.entry.message),
    context.bodies,
  );
  return tokens.map((token, index) => decodeDelivery(token, copies[index] ?? noBytes, context));
}

function decodeDelivery(
  token: DeliveryToken,
  body: Uint8Array,
  { nowMs, isOrdered }: { readonly nowMs: number; readonly isOrdered: boolean },
): Received {
  const { entry } = token;
  const wireMessage = decode(entry.message, nowMs);
  return {
    token,
    id: wireMessage.id,
    key: wireMessage.key,
    headers: wireMessage.headers,
    time: wireMessage.time,
    type: wireMessage.type,
    source: wireMessage.source,
    contentType: wireMessage.contentType,
    extensions: wireMessage.extensions,
    body,
    attempt: entry.heldAttempt > 0 ? entry.heldAttempt : wireMessage.attempt,
    crashCount: entry.crashCount,
    suspect: entry.isSuspect,
    redelivered: entry.wasDelivered,
    dueAt: wireMessage.dueAt,
    heldUntil: entry.heldUntil,
    partition: isOrdered ? entry.message.partition : undefined,
    expiresAt: wireMessage.expiresAt,
    priority: wireMessage.priority,
    failure: entry.heldFailure ?? wireMessage.failure,
  };
}

/** The message alone, without what belongs to one delivery of it. */
export function decodeMessage(message: StoredMessage, bodies: BodyStore, nowMs: number): OutgoingMessage {
  const { attempt: _attempt, failure: _failure, dueAt: _dueAt, ...rest } = decode(message, nowMs);
  return { ...rest, body: copyBody(message, bodies) };
}

export function decodeLetter(letter: StoredLetter, bodies: BodyStore, nowMs: number): Letter {
  const {
    attempt: _attempt,
    dueAt: _dueAt,
    priority: _priority,
    expiresAt: _expiresAt,
    failure,
    ...rest
  } = decode(letter.message, nowMs);
  if (failure === undefined) throw new TypeError('A stored dead letter has no failure record.');
  const message: Message = { ...rest, body: copyBody(letter.message, bodies) };
  return { ...message, ref: letter, failure };
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
