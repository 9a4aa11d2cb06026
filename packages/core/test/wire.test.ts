import { expect, test } from 'vitest';
import type { FailureRecord, OutgoingMessage } from '../src/message.ts';
import { toLetter } from '../src/wire-letter.ts';
import { partitionOf } from '../src/wire-partition.ts';
import { createWireFormat, isReservedHeader, type WireFallback } from '../src/wire.ts';

const wire = createWireFormat({ attributePrefix: 'ce_', alsoReadPrefixes: ['cloudEvents:'] });
const nowMs = Date.UTC(2026, 5, 1);
const fallback: WireFallback = { id: 'broker-1', timeMs: nowMs - 5, nowMs, source: '/broker', type: 'orders' };
const failure: FailureRecord = {
  name: 'TimeoutError',
  code: 'TIMEOUT',
  message: 'too slow',
  stack: 'at index.ts:1',
  attempts: 2,
  firstFailedAt: nowMs - 2000,
  lastFailedAt: nowMs - 1000,
  destination: 'orders',
  group: 'app',
};
const message: OutgoingMessage = {
  id: 'o-1',
  key: 'ключ',
  headers: { tenant: 'a', traceparent: '00-1-2-01', 'emoji-🦊': '' },
  time: new Date(nowMs - 7),
  type: 'order.placed',
  source: '/shop',
  contentType: 'application/json',
  body: new Uint8Array(0),
  extensions: { subject: 'x', 'anymq-future': 'kept' },
  dueAt: nowMs + 1000,
  priority: 9,
  expiresAt: nowMs + 5000,
};

function pairs(fields: readonly string[]): Record<string, string | undefined> {
  const entries = [];
  for (let index = 0; index < fields.length; index += 2) entries.push([fields[index], fields[index + 1]]);
  return Object.fromEntries(entries) as Record<string, string | undefined>;
}

test('a first send is written as CloudEvents attributes, library fields and plain headers', () => {
  expect(pairs(wire.encode(message))).toEqual({
    ce_specversion: '1.0',
    ce_id: 'o-1',
    ce_source: '/shop',
    ce_type: 'order.placed',
    ce_time: new Date(nowMs - 7).toISOString(),
    ce_partitionkey: 'ключ',
    ce_subject: 'x',
    'anymq-version': '1',
    'anymq-due': String(nowMs + 1000),
    'anymq-priority': '9',
    'anymq-expires': String(nowMs + 5000),
    'anymq-future': 'kept',
    'content-type': 'application/json',
    tenant: 'a',
    traceparent: '00-1-2-01',
    'emoji-🦊': '',
  });
});

test('everything that was written is read again', () => {
  const { body: _body, ...rest } = message;
  expect(wire.decode(wire.encode(message), fallback)).toMatchObject({ ...rest, attempt: 1, failure: undefined });
});

test('a retry copy carries attempt, due time and failure record instead of the first due time', () => {
  const fields = wire.encode(message, { attempt: 3, dueAt: nowMs + 9000, failure });
  expect(wire.decode(fields, fallback)).toMatchObject({
    attempt: 3,
    dueAt: nowMs + 9000,
    failure,
    extensions: message.extensions,
  });
  expect(pairs(wire.encode(message, { attempt: 1 }))).not.toHaveProperty('anymq-due');
});

test('what only the driver knows is left for it to fill in', () => {
  expect(wire.decode([], fallback)).toMatchObject({
    token: '',
    body: new Uint8Array(0),
    crashCount: 0,
    suspect: undefined,
    redelivered: undefined,
  });
  expect(wire.decode([], fallback)).not.toBe(wire.decode([], fallback));
});

test.each([NaN, 8.64e15 + 1, 2 ** 64])('a time that the broker got wrong (%s) is now', (timeMs) => {
  const { time } = wire.decode([], { ...fallback, timeMs });
  expect(time).toEqual(new Date(nowMs));
});

test('a header prefix is put before and taken off', () => {
  const redis = createWireFormat({ attributePrefix: 'ce_', headerPrefix: 'h:' });
  const fields = redis.encode(message);
  expect(pairs(fields)).toHaveProperty('h:tenant', 'a');
  expect(redis.decode([...fields, 'plain', 'b'], fallback).headers).toEqual({ ...message.headers, plain: 'b' });
});

test('what a foreign message lacks comes from the broker', () => {
  expect(wire.decode(['tenant', 'a'], { ...fallback, key: 'k', contentType: 'text/plain' })).toMatchObject({
    id: 'broker-1',
    key: 'k',
    headers: { tenant: 'a' },
    time: new Date(nowMs - 5),
    type: 'orders',
    source: '/broker',
    contentType: 'text/plain',
    extensions: undefined,
    attempt: 1,
    dueAt: undefined,
    priority: undefined,
    expiresAt: undefined,
    failure: undefined,
  });
});

test.each([
  [['ce_time', 'foo 1'], { time: new Date(nowMs - 5) }],
  [['cloudEvents:id', 'x', 'ce_id', 'y'], { id: 'x' }],
  [['Content-Type', 'a/b'], { contentType: 'a/b' }],
  [['ce_datacontenttype', 'a/b'], { contentType: 'a/b' }],
  [['ce_time', '2026-01-01T00:00:00.123456Z'], { time: new Date('2026-01-01T00:00:00.123Z') }],
  [['anymq-attempt', '0'], { attempt: 1 }],
  [['anymq-attempt', '-4'], { attempt: 1 }],
  [['anymq-attempt', '2.9'], { attempt: 2 }],
  [['anymq-attempt', '1e99'], { attempt: 1_000_000 }],
  [['anymq-attempt', 'Infinity'], { attempt: 1_000_000 }],
  [['anymq-attempt', 'many'], { attempt: 1 }],
  [['anymq-due', '9e15'], { dueAt: nowMs + 8 * 86_400_000 }],
  [['anymq-due', '-1'], { dueAt: undefined }],
  [['anymq-due', ''], { dueAt: undefined }],
  [['anymq-due', 'NaN'], { dueAt: undefined }],
  [['anymq-priority', '77'], { priority: 9 }],
  [['anymq-priority', ''], { priority: undefined }],
  [['anymq-failure', 'no json'], { failure: undefined }],
  [['anymq-failure', '[]null'], { failure: undefined }],
  [['anymq-failure', '7'], { failure: undefined }],
])('foreign fields %j are read as %j', (fields, expected) => {
  expect(wire.decode(fields, fallback)).toMatchObject(expected);
});

test.each([
  [7, '7'],
  [7n, '7'],
  [true, 'true'],
  [null, ''],
  [undefined, ''],
  [new Date(0), '1970-01-01T00:00:00.000Z'],
  [new Date(NaN), ''],
  [new TextEncoder().encode('é'), 'é'],
  [new Uint8Array([255, 254]), '//4='],
  [['a', 1, [new Uint8Array([66])]], 'a, 1, B'],
  [{ a: 1 }, '{"a":1}'],
  [{ a: 1n }, '[object]'],
  [Symbol('s'), ''],
])('the foreign value %o becomes %j', (value, text) => {
  expect(wire.decode(['h', value], fallback).headers).toEqual({ h: text });
});

test('a header that comes twice is joined; of an attribute the first counts', () => {
  const fields = ['h', 'a', 'ce_id', '1', 'h', 2, 'ce_id', '2', 'ce_subject', 'x', 'ce_subject', 'y'];
  expect(wire.decode(fields, fallback)).toMatchObject({
    id: '1',
    headers: { h: 'a, 2' },
    extensions: { subject: 'x' },
  });
});

test('names of the object prototype are ordinary names', () => {
  const decoded = wire.decode(['__proto__', 'a', 'constructor', 'b', 'ce___proto__', 'c', '__proto__', 'd'], fallback);
  expect(Object.entries(decoded.headers)).toEqual([
    ['__proto__', 'a, d'],
    ['constructor', 'b'],
  ]);
  expect(Object.entries(decoded.extensions ?? {})).toEqual([['__proto__', 'c']]);
  expect(Object.getPrototypeOf(decoded.headers)).toBe(Object.prototype);
  const again = wire.decode(wire.encode({ ...message, headers: decoded.headers }), fallback);
  expect(Object.entries(again.headers)).toEqual(Object.entries(decoded.headers));
});

test('an extension cannot stand in for a field of the library', () => {
  const { extensions } = wire.decode(['ce_anymq-attempt', '99'], fallback);
  expect(pairs(wire.encode({ ...message, extensions }))).not.toHaveProperty('anymq-attempt');
});

test('a failure record is cut so that what is written can be read', () => {
  const huge = { ...failure, message: '\u0001'.repeat(50_000), stack: '"'.repeat(50_000), name: 'x'.repeat(1000) };
  const read = wire.decode(wire.encode(message, { attempt: 2, failure: huge }), fallback).failure;
  expect(read).toMatchObject({ message: '\u0001'.repeat(12_288), stack: '"'.repeat(12_288), name: 'x'.repeat(256) });
});

test('a forged failure record is put right', () => {
  const forged = JSON.stringify({ name: 5, attempts: 1e12, firstFailedAt: 'x', lastFailedAt: 9e15, group: {} });
  expect(wire.decode(['anymq-failure', forged], fallback).failure).toEqual({
    name: 'Error',
    message: '',
    attempts: 1_000_000,
    firstFailedAt: nowMs,
    lastFailedAt: nowMs + 8 * 86_400_000,
    destination: '',
  });
});

test('a letter is the message and its failure, without what belongs to one delivery', () => {
  const read = wire.decode(wire.encode(message, { attempt: 2, failure }), fallback);
  read.token = 'receipt';
  const { dueAt: _dueAt, priority: _priority, expiresAt: _expiresAt, ...shown } = message;
  const letter = toLetter(read, 'ref', { atMs: nowMs, destination: 'orders' });
  expect(letter).toEqual({ ...shown, ref: 'ref', failure });
  expect(letter).not.toHaveProperty('token');
});

test('a letter that another program put there says that nothing is known of its failure', () => {
  const unknown = { message: '', attempts: 0, firstFailedAt: nowMs, lastFailedAt: nowMs, destination: 'orders' };
  const foreign = wire.decode([], fallback);
  const of = { atMs: nowMs, destination: 'orders' };
  expect(toLetter(foreign, 'ref', of).failure).toEqual({ ...unknown, name: 'Error' });
  expect(toLetter(foreign, 'ref', { ...of, name: 'Unknown' }).failure).toEqual({ ...unknown, name: 'Unknown' });
});

test('reserved header names', () => {
  const reserved = [
    'anymq-x',
    'ANYMQ-',
    'ce_id',
    'CE-id',
    'cloudEvents_id',
    'cloudevents',
    'content-type',
    'Content-Type',
  ];
  const free = ['content-type-x', 'tenant', 'cea', 'traceparent', 'any', ''];
  expect(reserved.filter(isReservedHeader)).toEqual(reserved);
  expect(free.filter(isReservedHeader)).toEqual([]);
});

test('the partition of a key is FNV-1a of its UTF-8, and never changes', () => {
  const published = { '': 0x81_1c_9d_c5, a: 0xe4_0c_29_2c, foobar: 0xbf_9c_f9_68 };
  for (const [key, hash] of Object.entries(published)) expect(partitionOf(key, 2 ** 32)).toBe(hash);
  expect(['customer-42', 'ключ', '🦊'].map((key) => partitionOf(key, 1_000_000_000))).toEqual([
    268_273_086, 512_710_113, 236_129_112,
  ]);
  expect(partitionOf('x', 1)).toBe(0);
});
