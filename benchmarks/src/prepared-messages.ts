import { randomUUID } from 'node:crypto';
import type { OutgoingMessage } from '@anymq/core';
import type { Received } from '@anymq/core/driver';
import { payloadOf } from './payload.ts';
import { queueName, type Setup } from './setup.ts';

/** Messages as core builds them for a driver. */
export function outgoingMessages({ codec: name, variant }: Setup, count: number): readonly OutgoingMessage[] {
  const { codec, distinct, keyOf } = payloadOf(name);
  const encoded = distinct.map((body) => codec.encode(body));
  const time = new Date();
  return Array.from({ length: count }, (_, index) => {
    const at = index % distinct.length;
    return {
      id: randomUUID(),
      key: variant === 'ordered' ? keyOf(distinct[at]) : undefined,
      headers: {},
      time,
      type: queueName,
      source: '/anymq',
      contentType: codec.contentType,
      body: encoded[at] as Uint8Array,
    };
  });
}

/** Deliveries as a driver hands them to core. */
export function receivedMessages(setup: Setup, count: number): readonly Received[] {
  return outgoingMessages(setup, count).map((message, index) => ({
    token: { index },
    ...message,
    extensions: undefined,
    attempt: 1,
    crashCount: 0,
    suspect: false,
    redelivered: false,
    dueAt: undefined,
    heldUntil: undefined,
    partition: setup.variant === 'ordered' ? index % 8 : undefined,
    expiresAt: undefined,
    priority: undefined,
    failure: undefined,
  }));
}
