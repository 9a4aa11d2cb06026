import { readFileSync } from 'node:fs';
import type { OutgoingMessage, Received } from '@anymq/core/driver';
import { describe, expect, test } from 'vitest';
import {
  decodeEntry,
  decodeHeld,
  decodeLetter,
  encodeCopyFields,
  encodeHeld,
  encodeIdentity,
  encodeMessage,
  type EntryContext,
} from '../src/encoding.ts';

const context: EntryContext = { destination: 'shop_orders', partition: 0, isOrdered: false, nowMs: 1_700_000_000_000 };
const message: OutgoingMessage = {
  id: 'o-1',
  key: 'customer ünï',
  headers: { tenant: 'a', traceparent: '00-1-2-01', empty: '' },
  time: new Date(1_699_999_999_000),
  type: 'orders',
  source: '/shop',
  contentType: 'application/json',
  body: new TextEncoder().encode('{"n":1}'),
  extensions: { 'anymq-later': 'kept', region: 'eu' },
};

/** As ioredis hands out what was given to it. */
const stored = (fields: readonly (string | number | Buffer)[]): readonly Uint8Array[] =>
  fields.map((field) => Buffer.from(typeof field === 'number' ? String(field) : field));
const entryOf = (fields: readonly (string | number | Buffer)[]): { id: string; fields: readonly Uint8Array[] } => ({
  id: '1700000000000-3',
  fields: stored(fields),
});

function roundTrip(sent: OutgoingMessage): Received {
  return decodeEntry(entryOf(encodeMessage(sent)), context).message;
}

test('what was sent comes back: attributes, headers, unknown extensions, body', () => {
  const { id, key, headers, time, type, source, contentType, body, extensions, attempt } = roundTrip(message);
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

test.each([
  ['empty', new Uint8Array(0)],
  ['no text', Uint8Array.from([0, 255, 128, 10, 13])],
  ['a view into more', new Uint8Array(Buffer.from('xxabcxx').buffer, 0, 0)],
])('a body that is %s keeps its bytes', (_, body) => {
  expect(roundTrip({ ...message, body }).body).toEqual(body);
});

test('a body is a copy: the reply that it came in can be freed', () => {
  const fields = stored(encodeMessage(message)).map((field) => Buffer.from(new Uint8Array(field).buffer));
  const { body } = decodeEntry({ id: '1-1', fields }, context).message;
  expect(body.buffer).not.toBe(fields.at(-1)?.buffer);
});

test('what was read before in the same place is not taken for what is there now', () => {
  const read = (name: Uint8Array, value: Uint8Array): Readonly<Record<string, string>> =>
    decodeEntry({ id: '1-1', fields: [name, value] }, context).message.headers;
  const [name, other] = [Buffer.from('h:a'), Buffer.from('h:b')];
  for (const value of ['one', 'two', 'two', 'é', 'o', '']) expect(read(name, Buffer.from(value))).toEqual({ a: value });
  expect(read(other, Buffer.from(''))).toEqual({ b: '' });
  // 'é' in another encoding, which is one byte and no text in UTF-8.
  read(name, Buffer.from('é'));
  expect(read(name, Buffer.from([0xe9]))).not.toEqual({ a: 'é' });
});

test('the names are those of the wire format', () => {
  const names = encodeMessage(message).filter((_, index) => index % 2 === 0);
  expect(names).toEqual(
    expect.arrayContaining(['ce_id', 'ce_partitionkey', 'content-type', 'h:tenant', 'h:traceparent', 'data']),
  );
});

test('thousands of headers are one field, and come back', () => {
  const headers = Object.fromEntries(Array.from({ length: 3000 }, (_, index) => [`h${index}`, String(index)]));
  const fields = encodeMessage({ ...message, headers });
  expect(fields.length).toBeLessThan(100);
  expect(roundTrip({ ...message, headers }).headers).toEqual(headers);
});

describe('what another program wrote', () => {
  const foreign = [Buffer.from('data'), Buffer.from('hello'), Buffer.from('tenant'), Buffer.from('b')];

  test('has an id and a time from the entry', () => {
    const { message: read, isForeign } = decodeEntry({ id: '1700000000000-3', fields: foreign }, context);
    expect(isForeign).toBe(true);
    expect(read.id).toBe('1700000000000-3');
    expect(read.time.getTime()).toBe(1_700_000_000_000);
    expect(read.headers).toEqual({ tenant: 'b' });
    expect(Buffer.from(read.body).toString()).toBe('hello');
  });

  test('on an ordered destination has an id that no other partition has', () => {
    const at = (partition: number): string =>
      decodeEntry({ id: '5-0', fields: foreign }, { ...context, partition, isOrdered: true }).message.id;
    expect(at(0)).not.toBe(at(1));
  });

  test('keeps that id in its copies', () => {
    const { message: read } = decodeEntry({ id: '1700000000000-3', fields: foreign }, context);
    const copy = decodeEntry({ id: '9-9', fields: [...foreign, ...stored(encodeIdentity(read))] }, context);
    expect(copy.isForeign).toBe(false);
    expect(copy.message.id).toBe('1700000000000-3');
    expect(copy.message.time).toEqual(read.time);
  });

  test.each([
    ['without any field', []],
    ['with an odd number of fields', [Buffer.from('data')]],
    ['with bytes that are no text', [Buffer.from([255]), Buffer.from([254]), Buffer.from('ce_id'), Buffer.from([253])]],
    ['with a broken list of headers', stored(['anymq-headers', '{"a"'])],
    ['with a list of headers that is none', stored(['anymq-headers', '[1]'])],
  ])('%s is read all the same', (_, fields) => {
    const { message: read } = decodeEntry({ id: '7-0', fields }, context);
    expect(read.id).not.toBe('');
    expect(read.attempt).toBe(1);
  });
});

test('a copy says its attempt, due time and failure, and nothing else of the library', () => {
  expect(encodeCopyFields({ attempt: 1 })).toEqual([]);
  const failure = { name: 'E', message: 'm', attempts: 2, firstFailedAt: 1, lastFailedAt: 2, destination: 'orders' };
  const fields = encodeCopyFields({ attempt: 3, dueAt: 5, failure });
  const read = decodeEntry(entryOf([...encodeMessage(message), ...fields]), context).message;
  expect(read).toMatchObject({ attempt: 3, dueAt: 5, failure });
});

test('a released copy was delivered before', () => {
  expect(roundTrip(message).redelivered).toBe(false);
  expect(decodeEntry(entryOf([...encodeMessage(message), 'anymq-again', '1']), context).message.redelivered).toBe(true);
});

test('a letter without a failure record has one all the same', () => {
  const letter = decodeLetter(entryOf(encodeMessage(message)), { ref: 1 }, context);
  expect(letter.failure).toMatchObject({ attempts: 0, firstFailedAt: 1_700_000_000_000 });
  expect(letter).not.toHaveProperty('token');
});

test('what is held comes back; what is broken is not there', () => {
  const held = { token: 1, attempt: 4, heldUntil: 99, failure: undefined };
  expect(decodeHeld(Buffer.from(encodeHeld(held)))).toEqual({ attempt: 4, heldUntil: 99 });
  expect(decodeHeld(null)).toBeUndefined();
  expect(decodeHeld(Buffer.from('{'))).toBeUndefined();
});

interface Vectors {
  readonly encode: readonly {
    readonly names: string;
    readonly message: Omit<OutgoingMessage, 'time' | 'body'> & { readonly time: string };
    readonly fields: Readonly<Record<string, string>>;
  }[];
}

test('messages are written as the vectors of the wire format say', () => {
  const text = readFileSync(new URL('../../../docs/wire-vectors.json', import.meta.url), 'utf8');
  const { encode } = JSON.parse(text) as Vectors;
  const ours = encode.filter(({ names }) => names === 'redis-streams');
  expect(ours.length).toBeGreaterThan(0);
  for (const { message: given, fields } of ours) {
    const written = encodeMessage({ ...given, time: new Date(given.time), body: Buffer.from('b') });
    const pairs = written.flatMap((name, index) =>
      index % 2 === 0 ? [[String(name), String(written[index + 1])]] : [],
    );
    expect(Object.fromEntries(pairs)).toEqual({ ...fields, data: 'b' });
  }
});
