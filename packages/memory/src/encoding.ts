import type { Message, OutgoingMessage, Received, StoredLetter as Letter } from '@anymq/core/driver';
import { createWireFormat } from './core-wire.ts';
import type { BodyStore } from './body-store.ts';
import type { StoredLetter } from './dead-letter-list.ts';
import { type DeliveryToken, StoredMessage } from './stored-message.ts';

const wire = createWireFormat({ attributePrefix: 'ce_' });
const usualPriority = 4;
export type WireMeta = Parameters<typeof wire.encode>[1];

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
    message.expiresAt ?? Infinity,
  );
}

/** What a receiver hands to core. Bodies are copied, so that no handler can change what others receive. */
export function decodeDelivery(token: DeliveryToken, bodies: BodyStore, nowMs: number, isOrdered: boolean): Received {
  const { entry } = token;
  const { message } = entry;
  const wireMessage = decode(message, nowMs);
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
    body: copyBody(message, bodies),
    attempt: entry.heldAttempt > 0 ? entry.heldAttempt : wireMessage.attempt,
    crashCount: entry.crashCount,
    suspect: entry.isSuspect,
    redelivered: entry.wasDelivered,
    dueAt: wireMessage.dueAt,
    heldUntil: entry.heldUntil,
    partition: isOrdered ? message.partition : undefined,
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

function decode(message: StoredMessage, nowMs: number): ReturnType<typeof wire.decode> {
  return wire.decode(message.fields, { id: message.id, timeMs: nowMs, nowMs, source: '', type: '' });
}

function copyBody({ slab, start, length }: StoredMessage, bodies: BodyStore): Uint8Array {
  const copyStart = bodies.put(slab.subarray(start, start + length));
  return bodies.slab.subarray(copyStart, copyStart + length);
}
