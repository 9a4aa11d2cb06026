import { createWireFormat } from '@anymq/core/driver';
import type { DriverModule, FailureRecord, OutgoingMessage, WireMeta, WireNames } from '@anymq/core/driver';
import { memory } from '@anymq/memory';
import { rabbitmq } from '@anymq/rabbitmq';
import { redisStreams } from '@anymq/redis-streams';
import { checkConfig } from '../../../packages/core/src/config/check-config.ts';
import { unreadableUrl } from '../../../packages/core/src/config/adapter-errors.ts';
import { decodeBody } from '../../../packages/core/src/consume/decode-body.ts';
import { readFailure, writeFailure } from '../../../packages/core/src/wire-values.ts';
import * as rabbitmqEncoding from '../../../packages/rabbitmq/src/encoding.ts';
import * as redisEncoding from '../../../packages/redis-streams/src/encoding.ts';
import { plain } from '../work.ts';
import { mayThrow, requireSound } from './expectations.ts';
import type { FuzzTarget } from './fuzz.ts';
import { anyBytes, anyText, anyValue, disturb, pick, several, upTo } from './values.ts';
import type { Random } from './values.ts';

const nowMs = Date.UTC(2026, 10, 22);

const spellings: readonly WireNames[] = [
  { attributePrefix: 'ce_' },
  { attributePrefix: 'ce_', headerPrefix: 'h:' },
  { attributePrefix: 'cloudEvents_', alsoReadPrefixes: ['cloudEvents:'] },
];

/** The decoders of what strangers can write, of core, Redis and RabbitMQ. */
export const fuzzTargets: readonly FuzzTarget[] = [
  { name: 'wire', tryOne: wire },
  { name: 'wire-round-trip', tryOne: wireRoundTrip },
  { name: 'failure-record', tryOne: failureRecord },
  { name: 'body', tryOne: body },
  { name: 'redis-streams', tryOne: redisEntry },
  { name: 'rabbitmq', tryOne: rabbitmqMessage },
  { name: 'configuration', tryOne: configuration },
  { name: 'url', tryOne: url },
];

function wire(random: Random): void {
  const names = pick(random, spellings);
  const format = createWireFormat(names);
  const written: unknown[] = format.encode(anyMessage(random), anyMeta(random));
  const message = format.decode(
    disturb(random, written, () => anyField(random, names)),
    {
      id: 'id',
      timeMs: nowMs,
      nowMs,
      source: '/s',
      type: 't',
    },
  );
  requireSound(message);
  // A retry copy or a dead letter of it has to be written.
  format.encode(message, { attempt: message.attempt, dueAt: message.dueAt, failure: message.failure });
}

function wireRoundTrip(random: Random): void {
  const format = createWireFormat(pick(random, spellings));
  const sent = anyMessage(random);
  const read = format.decode(format.encode(sent), { id: 'x', timeMs: 0, nowMs, source: '/x', type: 'x' });
  for (const name of ['id', 'key', 'source', 'type'] as const)
    if (sent[name] !== read[name]) throw new Error(`${name}: ${JSON.stringify([sent[name], read[name]])}`);
  for (const [name, value] of Object.entries(sent.headers))
    if (read.headers[name] !== value) throw new Error(`header ${JSON.stringify([name, value, read.headers[name]])}`);
}

function failureRecord(random: Random): void {
  const record = readFailure(random() < 0.5 ? anyText(random) : JSON.stringify(anyFailure(random)), nowMs);
  if (record === undefined) return;
  const again = readFailure(writeFailure(record), nowMs);
  if (JSON.stringify(again) !== JSON.stringify(record)) throw new Error('is read otherwise than it was written');
}

function body(random: Random): void {
  const message = { ...anyMessage(random), body: anyBytes(random) };
  mayThrow(['DECODE_FAILED'], () => decodeBody(plain, message));
}

function redisEntry(random: Random): void {
  const written = redisEncoding.encodeMessage(anyMessage(random)).map((value) => Buffer.from(String(value)));
  const fields = disturb(random, written, () => anyBytes(random));
  const id = `${pick(random, ['0', '1', String(nowMs), '18446744073709551615'])}-${upTo(random, 9)}`;
  const context = { destination: 'orders', partition: 0, isOrdered: random() < 0.5, nowMs };
  const { message } = redisEncoding.decodeEntry({ id, fields }, context);
  requireSound(message);
  redisEncoding.encodeMessage(message);
  redisEncoding.encodeIdentity(message);
  redisEncoding.encodeCopyFields(message);
  redisEncoding.decodeLetter({ id, fields }, {}, context);
  redisEncoding.decodeHeld(anyBytes(random));
}

function rabbitmqMessage(random: Random): void {
  const { content, options } = rabbitmqEncoding.encodeMessage(anyMessage(random), anyMeta(random));
  const headers = disturb(random, Object.entries<unknown>(options.headers ?? {}), () => [
    anyText(random),
    anyValue(random),
  ]);
  const properties = {
    ...options,
    headers: random() < 0.05 ? undefined : Object.fromEntries(headers),
    ...Object.fromEntries(
      ['messageId', 'contentType', 'timestamp', 'correlationId', 'type'].flatMap((name) =>
        random() < 0.2 ? [[name, anyValue(random)]] : [],
      ),
    ),
  };
  const delivery = { content, properties, fields: { exchange: '', routingKey: '' } };
  const message = rabbitmqEncoding.decodeMessage(delivery, nowMs, 'orders');
  requireSound(message);
  rabbitmqEncoding.encodeMessage(message, message, properties);
  rabbitmqEncoding.copyOf(delivery, nowMs);
  rabbitmqEncoding.identityOf(delivery);
  if (!Number.isFinite(rabbitmqEncoding.deliveryCount(delivery))) throw new Error('a count that is no number');
}

function configuration(random: Random): void {
  const sound = { brokers: { main: 'memory:' }, routes: { orders: 'main' }, namespace: 'n', provision: 'create' };
  const entries = disturb(random, Object.entries(sound) as [string, unknown][], () => [
    pick(random, [...Object.keys(sound), anyText(random)]),
    anyValue(random),
  ]);
  mayThrow(['INVALID_OPTION'], () => checkConfig(random() < 0.9 ? Object.fromEntries(entries) : anyValue(random)));
}

const password = 'p4ssw0rd-nobody-may-see';
const marks = [':', '@', '/', '?', '#', '[', ']', '[::1]', '%', '%zz', '%40', ',', '=', '&', '99999', ''];

function url(random: Random): void {
  const module = pick(random, [memory, redisStreams, rabbitmq]);
  const mark = () => (random() < 0.8 ? pick(random, marks) : anyText(random));
  const rest = disturb(random, ['host', ':', '1234', '/', 'path', '?', 'a=1', '&', 'b', '#h'], mark);
  const secret = `${mark()}${password}${mark()}`;
  mayThrow(
    ['INVALID_OPTION'],
    () => readUrl(module, `${pick(random, module.schemes)}://user:${secret}@${rest.join('')}`),
    password,
  );
}

/** As core does it. */
function readUrl(module: DriverModule, text: string): unknown {
  try {
    return module.parseUrl(text);
  } catch (error) {
    throw unreadableUrl('main', module.name, text, error);
  }
}

function anyMessage(random: Random): OutgoingMessage {
  const optional = <T>(make: () => T) => (random() < 0.5 ? undefined : make());
  return {
    id: wellFormed(anyText(random)) || 'id',
    key: optional(() => wellFormed(anyText(random)) || 'key'),
    headers: Object.fromEntries(several(random, 5, () => [headerName(random), wellFormed(anyText(random))])),
    time: new Date(upTo(random, 4e12)),
    type: wellFormed(anyText(random)) || 'type',
    source: wellFormed(anyText(random)) || '/source',
    contentType: optional(() => wellFormed(anyText(random)) || 'text/plain'),
    body: anyBytes(random),
  };
}

/** Of what `send` accepts. */
function headerName(random: Random): string {
  const name = wellFormed(anyText(random)).slice(0, 100);
  return name === '' || /^(?:anymq-|ce_|ce-|cloudevents|content-type|trace)/i.test(name) ? 'x' : name;
}

/** A lone surrogate cannot be sent as UTF-8. */
function wellFormed(text: string): string {
  return text.toWellFormed();
}

function anyMeta(random: Random): WireMeta {
  const failure = random() < 0.5 ? undefined : anyFailure(random);
  return { attempt: upTo(random, 9), dueAt: random() < 0.5 ? undefined : upTo(random, 4e12), failure };
}

function anyFailure(random: Random): FailureRecord {
  return {
    name: anyText(random),
    message: anyText(random),
    stack: anyText(random),
    attempts: upTo(random, 9),
    firstFailedAt: upTo(random, 4e12),
    lastFailedAt: upTo(random, 4e12),
    destination: anyText(random),
  };
}

function anyField(random: Random, { attributePrefix }: WireNames): unknown {
  const ours = [
    'anymq-attempt',
    'anymq-due',
    'anymq-failure',
    'anymq-priority',
    'anymq-expires',
    'anymq-version',
    'content-type',
  ];
  const known = ['id', 'time', 'type', 'source', 'partitionkey', 'specversion'].map((name) => attributePrefix + name);
  return random() < 0.5 ? pick(random, [...ours, ...known]) : anyValue(random);
}
