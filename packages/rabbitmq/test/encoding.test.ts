import type { OutgoingMessage } from '@anymq/core/driver';
import { describe, expect, test } from 'vitest';
import type { AmqpMessage, AmqpProperties } from '../src/client.ts';
import { copyOf, decodeMessage, deliveryCount, encodeMessage, identityOf } from '../src/encoding.ts';

const outgoing: OutgoingMessage = {
  id: 'o-1',
  key: 'k',
  headers: { tenant: 'a' },
  time: new Date(1_700_000_000_123),
  type: 'orders',
  source: '/shop',
  contentType: 'text/plain',
  body: new TextEncoder().encode('body'),
};

function delivered(
  properties: AmqpProperties,
  content: Buffer = Buffer.from('body'),
  redelivered = false,
): AmqpMessage {
  return { content, properties, fields: { exchange: '', routingKey: 'q', deliveryTag: 1, redelivered } };
}

function roundTrip(message: OutgoingMessage): OutgoingMessage {
  const { content, options } = encodeMessage(message);
  return decodeMessage(delivered(options, content), 0, 'orders');
}

describe('what is written', () => {
  test('is CloudEvents in headers, and content type, id and time as properties', () => {
    expect(encodeMessage(outgoing).options).toMatchObject({
      messageId: 'o-1',
      contentType: 'text/plain',
      timestamp: 1_700_000_000,
      headers: { cloudEvents_id: 'o-1', cloudEvents_partitionkey: 'k', tenant: 'a' },
    });
    expect(encodeMessage(outgoing).options.headers).not.toHaveProperty('content-type');
  });

  test('comes back as it was', () => {
    const { id, key, headers, time, type, source, contentType, body } = roundTrip(outgoing);
    expect({ id, key, headers, time, type, source, contentType, body: Buffer.from(body).toString() }).toEqual({
      ...outgoing,
      body: 'body',
    });
  });

  test.each(['CC', 'BCC', '__proto__', 'x-death', 'x-delivery-count', 'n'.repeat(300), '1:x'])(
    'a header that the broker would take for its own is kept: %s',
    (name) => {
      const headers = Object.fromEntries([
        [name, 'a:b'],
        ['other', ''],
      ]);
      const { options } = encodeMessage({ ...outgoing, headers });
      for (const written of Object.keys(options.headers ?? {})) expect(written).not.toMatch(/^(B?CC|x-.*|__proto__)$/);
      expect(Object.entries(roundTrip({ ...outgoing, headers }).headers)).toEqual(
        expect.arrayContaining([
          [name, 'a:b'],
          ['other', ''],
        ]),
      );
    },
  );

  test('an id or a content type that is too long for a property travels as a header', () => {
    const message = { ...outgoing, id: '客'.repeat(128), contentType: `text/${'x'.repeat(300)}` };
    expect(encodeMessage(message).options).not.toHaveProperty('messageId');
    expect(roundTrip(message)).toMatchObject({ id: message.id, contentType: message.contentType });
  });
});

describe('what another program wrote', () => {
  test('has the id, the time and the type of its properties', () => {
    const properties = { messageId: 'm', timestamp: 5, type: 't', contentType: 'text/csv' };
    expect(decodeMessage(delivered(properties), 9000, 'orders')).toMatchObject({
      id: 'm',
      time: new Date(5000),
      type: 't',
      contentType: 'text/csv',
    });
  });

  test('without them has a random id and the present time', () => {
    const [one, other] = [decodeMessage(delivered({}), 9000, 'q'), decodeMessage(delivered({}), 9000, 'q')];
    expect(one.id).not.toBe(other.id);
    expect(one).toMatchObject({ time: new Date(9000), type: 'q', headers: {} });
  });

  test('is the same for every delivery of it', () => {
    expect(identityOf(delivered({}))).toBe(identityOf(delivered({ headers: { 'x-delivery-count': 4 } })));
    expect(identityOf(delivered({}))).not.toBe(identityOf(delivered({}, Buffer.from('other'))));
  });

  test('loses nothing but what the broker added when it is copied', () => {
    const headers = { mine: 7, 'x-death': [{ count: 1 }], 'x-first-death-queue': 'q', 'x-delivery-count': 3 };
    const { options } = copyOf(delivered({ headers, correlationId: 'c', replyTo: 'r', messageId: 'm' }));
    expect(options).toEqual({ headers: { mine: 7 }, correlationId: 'c', replyTo: 'r', messageId: 'm' });
  });
});

test('deliveries are counted by the broker, or at least known to be repeated', () => {
  expect(deliveryCount(delivered({}))).toBe(0);
  expect(deliveryCount(delivered({}, undefined, true))).toBe(1);
  expect(deliveryCount(delivered({ headers: { 'x-delivery-count': 3 } }, undefined, true))).toBe(3);
});
