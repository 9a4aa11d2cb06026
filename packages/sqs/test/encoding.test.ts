import { readFileSync } from 'node:fs';
import type { OutgoingMessage, Received } from '@anymq/core/driver';
import { describe, expect, test } from 'vitest';
import { maxBytes } from '../src/batches.ts';
import {
  decodeLetter,
  decodeMessage,
  deduplicationId,
  type Encoded,
  encodeMessage,
  groupOf,
  isWaitingGroup,
  waitingGroup,
} from '../src/encoding.ts';
import { limits } from '../src/options.ts';
import type { RawMessage } from '../src/sqs-endpoint.ts';

const nowMs = 1_700_000_000_000;
const context = { destination: 'orders', nowMs };
const message: OutgoingMessage = {
  id: 'o-1',
  key: 'customer ünï',
  headers: { tenant: 'a', traceparent: '00-1-2-01', empty: '', ünï: '🚀' },
  time: new Date(nowMs - 1000),
  type: 'orders',
  source: '/shop',
  contentType: 'application/json',
  body: new TextEncoder().encode('{"n":1}'),
  extensions: { 'anymq-later': 'kept', region: 'eu' },
};

const asReceived = ({ body, attributes }: Encoded): RawMessage => ({
  MessageId: 'sqs-1',
  Body: body,
  MessageAttributes: attributes,
  Attributes: { SentTimestamp: String(nowMs - 500), MessageGroupId: 'somebody' },
});
const decode = (raw: RawMessage): Received => decodeMessage(raw, context);

test('what was sent comes back: attributes, headers, unknown extensions, body', () => {
  const { id, key, headers, time, type, source, contentType, body, extensions, attempt } = decode(
    asReceived(encodeMessage(message)),
  );
  const read = {
    id,
    key,
    headers: { ...headers },
    time,
    type,
    source,
    contentType,
    body,
    extensions: { ...extensions },
  };
  expect(read).toEqual(message);
  expect(attempt).toBe(1);
});

test('the wire format of this version is what its vectors say', () => {
  const file = new URL('../../../docs/wire-vectors.json', import.meta.url);
  const { sqs } = JSON.parse(readFileSync(file, 'utf8')) as {
    readonly sqs: readonly { readonly message: object; readonly body: string; readonly attributes: object }[];
  };
  expect(sqs.length).toBeGreaterThan(1);
  for (const { message: sent, body, attributes } of sqs) {
    const given = sent as OutgoingMessage & { readonly base64: string; readonly time: unknown };
    const outgoing = {
      ...given,
      time: new Date(String(given.time)),
      body: new Uint8Array(Buffer.from(given.base64, 'base64')),
    };
    const encoded = encodeMessage(outgoing);
    expect(encoded.body).toBe(body);
    const texts = Object.entries(encoded.attributes).map(([name, { StringValue }]) => [name, StringValue]);
    expect(Object.fromEntries(texts)).toEqual(attributes);
  }
});

describe('attributes', () => {
  test('are seven at most, plain ASCII text in the last, and none is empty', () => {
    const { attributes } = encodeMessage({ ...message, source: '', type: '\u0001' });
    expect(Object.keys(attributes)).toEqual(['ce_specversion', 'ce_id', 'content-type', 'traceparent', 'anymq']);
    expect(attributes['anymq']?.StringValue).toMatch(/^[\x20-\x7e]+$/);
    expect(decode(asReceived({ body: '{}', attributes, bytes: 0 })).type).toBe('\u0001');
  });

  test('show filters the headers that they look at, and these come once', () => {
    const encoded = encodeMessage(message, undefined, ['tenant', 'empty', 'none']);
    expect(encoded.attributes['tenant']?.StringValue).toBe('a');
    expect(encoded.attributes['empty']).toBeUndefined();
    expect({ ...decode(asReceived(encoded)).headers }).toEqual(message.headers);
  });
});

test.each([
  ['nothing', new Uint8Array(0), '='],
  ['no text', Uint8Array.from([0xff, 0x00]), '/wA='],
  ['a character that SQS does not take', new TextEncoder().encode('a\u0001'), 'YQE='],
  ['half of a character pair, as U+FFFE is none', new TextEncoder().encode('\uFFFE'), '77++'],
  ['text with a mark of its order in front', new TextEncoder().encode('\uFEFFa'), '\uFEFFa'],
  ['line ends', new TextEncoder().encode('a\r\nb\tc'), 'a\r\nb\tc'],
])('a body of %s arrives byte for byte', (_name, body, text) => {
  const encoded = encodeMessage({ ...message, body });
  expect(encoded.body).toBe(text);
  expect(decode(asReceived(encoded)).body).toEqual(body);
});

test('whatever is accepted can be dead-lettered: the largest body with the longest headers and failure fits', () => {
  const control = '\u0001';
  const largest: OutgoingMessage = {
    ...message,
    id: control.repeat(128),
    key: control.repeat(256),
    headers: { h: control.repeat(16_383) },
    body: new Uint8Array(limits.maxBodyBytes).fill(0xff),
    extensions: undefined,
  };
  const failure = {
    name: 'N'.repeat(256),
    message: control.repeat(3000),
    stack: control.repeat(3000),
    attempts: 1,
    firstFailedAt: nowMs,
    lastFailedAt: nowMs,
    destination: 'orders',
  };
  const { bytes, body } = encodeMessage(largest, { attempt: 3, failure });
  expect(bytes).toBeGreaterThan(body.length);
  expect(bytes).toBeLessThanOrEqual(maxBytes);
});

describe('messages of other programs', () => {
  test('get id, time and key from SQS, numbers and bytes are read as text', () => {
    const read = decode({
      MessageId: 'sqs-1',
      Body: 'hello',
      MessageAttributes: {
        count: { DataType: 'Number', StringValue: '7' },
        raw: { DataType: 'Binary', BinaryValue: Uint8Array.from([104, 105]) },
      },
      Attributes: { SentTimestamp: String(nowMs), MessageGroupId: 'customer-1' },
    });
    expect(read).toMatchObject({ id: 'sqs-1', key: 'customer-1', type: 'orders', source: '/orders', attempt: 1 });
    expect(read.time.getTime()).toBe(nowMs);
    expect({ ...read.headers }).toEqual({ count: '7', raw: 'hi' });
  });

  test.each(['', 'no JSON', '[]', '7', 'null', '{"anymq-attempt":"1e99","anymq-failure":"{broken"}'])(
    'with %j for an attribute of ours are read, never refused',
    (text) => {
      const read = decode({
        MessageId: 'x',
        Body: 'b',
        MessageAttributes: { anymq: { DataType: 'String', StringValue: text } },
      });
      expect(read.id).toBe('x');
      expect(read.attempt).toBeGreaterThanOrEqual(1);
    },
  );

  test('that SQS itself has set aside are letters with an unknown failure', () => {
    const letter = decodeLetter(
      { MessageId: 'x', Body: 'b', Attributes: { SentTimestamp: String(nowMs) } },
      'ref',
      context,
    );
    expect(letter.failure).toMatchObject({ name: 'Unknown', attempts: 0, destination: 'orders', lastFailedAt: nowMs });
  });
});

describe('message groups', () => {
  test('are the key itself where SQS takes it, otherwise its hash; no two keys share one', () => {
    expect(groupOf('customer-1', 'id')).toBe('customer-1');
    const groups = ['ünï', 'a b', 'x'.repeat(129), '.anymq-due-x', '.'].map((key) => groupOf(key, 'id'));
    for (const group of groups) expect(group).toMatch(/^\.[\w-]{43}$/);
    expect(new Set(groups).size).toBe(groups.length);
  });

  test('of messages without a key are their own, and none of a key', () => {
    const group = groupOf(undefined, 'o-1');
    expect(group).not.toBe(groupOf(undefined, 'o-2'));
    expect(decode({ MessageId: 'x', Body: 'b', Attributes: { MessageGroupId: group } }).key).toBeUndefined();
  });

  test('of messages that are not due are known as such', () => {
    expect(isWaitingGroup(waitingGroup('o-1'))).toBe(true);
    expect(isWaitingGroup(groupOf('.anymq-due-x', 'o-1'))).toBe(false);
  });

  test('deduplication depends on the send, not on the message alone', () => {
    expect(deduplicationId('a', '1')).toBe(deduplicationId('a', '1'));
    expect(deduplicationId('a', '1')).not.toBe(deduplicationId('a', '2'));
  });
});
