import * as kafkaEncoding from '../../../packages/kafka/src/encoding.ts';
import { decodeProgress, encodeProgress } from '../../../packages/kafka/src/progress.ts';
import * as rabbitmqEncoding from '../../../packages/rabbitmq/src/encoding.ts';
import * as redisEncoding from '../../../packages/redis-streams/src/encoding.ts';
import * as sqsEncoding from '../../../packages/sqs/src/encoding.ts';
import { toRaw } from '../../../packages/sqs/src/event-record.ts';
import { requireSound } from './expectations.ts';
import type { FuzzTarget } from './fuzz.ts';
import { anyMessage, anyMeta } from './messages.ts';
import { anyBytes, anyText, anyValue, disturb, pick, several, upTo } from './values.ts';
import type { Random } from './values.ts';

const nowMs = Date.UTC(2026, 10, 22);

/** What each adapter reads from its broker. */
export const adapterTargets: readonly FuzzTarget[] = [
  { name: 'redis-streams', tryOne: redisEntry },
  { name: 'rabbitmq', tryOne: rabbitmqMessage },
  { name: 'kafka', tryOne: kafkaRecord },
  { name: 'kafka-progress', tryOne: kafkaProgress },
  { name: 'sqs', tryOne: sqsMessage },
  { name: 'lambda', tryOne: lambdaRecord },
];

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

const numbers = ['0', '1', '-1', String(nowMs), '9223372036854775807', 'NaN', '', '1e400'];

/** As kafkajs reads them: bytes, and a list of bytes where a name is there more than once. */
function kafkaRecord(random: Random): void {
  const { key, value, headers } = kafkaEncoding.encodeRecord(anyMessage(random), 0, nowMs, anyMeta(random));
  const bytes = (): Buffer | readonly Buffer[] | undefined =>
    pick(random, [() => anyBytes(random), () => several(random, 3, () => anyBytes(random)), () => undefined])();
  const written = Object.entries(headers).map(([name, text]) => [name, Buffer.from(text)] as const);
  const read = disturb<readonly [string, Buffer | readonly Buffer[] | undefined]>(random, written, () => [
    random() < 0.5 ? pick(random, written)[0] : anyText(random),
    bytes(),
  ]);
  const record = {
    offset: pick(random, numbers),
    timestamp: pick(random, numbers),
    key: random() < 0.8 ? Buffer.from(String(key)) : pick(random, [null, anyBytes(random)]),
    value: random() < 0.9 ? value : null,
    ...(random() < 0.95 ? { headers: Object.fromEntries(read) } : {}),
  };
  const context = { destination: 'orders', topic: 'anymq_orders', partition: 0, nowMs };
  const message = kafkaEncoding.decodeRecord(record, context);
  requireSound(message);
  kafkaEncoding.encodeRecord(message, 0, nowMs, message);
  kafkaEncoding.decodeLetter(record, {}, context);
  if (!Number.isFinite(kafkaEncoding.dueAtOf(record))) throw new Error('a time that is no number');
}

const noteCharacters = '{}[]":,0a1e-9'.split('');

/** What stands beside a committed offset: any program of the group can write it. */
function kafkaProgress(random: Random): void {
  const base = upTo(random, 1e9);
  const started = new Map(several(random, 5, () => [base + upTo(random, 99), upTo(random, 9)] as const));
  const held = new Map(
    several(random, 5, () => [base + upTo(random, 99), { attempt: upTo(random, 9), heldUntil: upTo(random, 4e12) }]),
  );
  const owner = { id: anyText(random), upTo: base + upTo(random, 99) };
  const note = encodeProgress(base, {
    done: [[base + 2, base + 5]],
    owner,
    started,
    open: new Set(started.keys()),
    held,
  });
  const disturbed = disturb(random, note.split(''), () => pick(random, noteCharacters)).join('');
  const forged = `{"v":1,${['o', 's', 'd', 'h'].map((name) => `"${name}":${jsonText(random)}`).join(',')}}`;
  const progress = decodeProgress(base, pick(random, [note, disturbed, forged, anyText(random)]));
  const all = [...progress.done.flat(), ...progress.started.keys(), ...progress.started.values(), ...progress.open];
  all.push(
    ...progress.held.keys(),
    ...[...progress.held.values()].flatMap(({ attempt, heldUntil }) => [attempt, heldUntil]),
  );
  if (!all.every(Number.isSafeInteger)) throw new Error(`no whole number: ${all.join(' ')}`);
  encodeProgress(base, progress);
}

const forgeries = [
  '[[1,2]]',
  '[[1,2,3,{"name":{}}]]',
  '["x",9]',
  '["x",1e300]',
  '[[-1,1e300]]',
  '[[null,null,null]]',
  '"AAAA"',
  '"/////////////////w=="',
  '{}',
] as const;

function jsonText(random: Random): string {
  return random() < 0.7 ? pick(random, forgeries) : anyText(random);
}

type SqsAttribute = NonNullable<Parameters<typeof sqsEncoding.decodeMessage>[0]['MessageAttributes']>[string];

function sqsMessage(random: Random): void {
  const { body, attributes } = sqsEncoding.encodeMessage(anyMessage(random), anyMeta(random));
  const disturbed = disturb<readonly [string, SqsAttribute]>(random, Object.entries(attributes), () => [
    random() < 0.7 ? pick(random, Object.keys(attributes)) : anyText(random),
    pick(random, [
      { DataType: 'String', StringValue: anyText(random) },
      { DataType: 'Binary', BinaryValue: anyBytes(random) },
      {
        DataType: 'String',
        StringValue: JSON.stringify({ [anyText(random)]: anyText(random), 'anymq-body': 'base64' }),
      },
      { DataType: 'Number' },
    ]),
  ]);
  const raw = {
    MessageId: anyText(random),
    Body: random() < 0.8 ? body : anyText(random),
    ...(random() < 0.9 ? { MessageAttributes: Object.fromEntries(disturbed) } : {}),
    Attributes: { SentTimestamp: pick(random, numbers), MessageGroupId: anyText(random) },
  };
  readSqs(raw);
}

function readSqs(raw: Parameters<typeof sqsEncoding.decodeMessage>[0]): void {
  const context = { destination: 'orders', nowMs };
  const message = sqsEncoding.decodeMessage(raw, context);
  requireSound(message);
  sqsEncoding.encodeMessage(message, message);
  sqsEncoding.decodeLetter(raw, {}, context);
}

/** What Lambda hands over, and what a test or a pipe puts in its place. */
function lambdaRecord(random: Random): void {
  const { body, attributes } = sqsEncoding.encodeMessage(anyMessage(random), anyMeta(random));
  const known = Object.entries(attributes).map(
    ([name, { StringValue: stringValue }]) => [name, { dataType: 'String', stringValue }] as const,
  );
  const others = disturb<readonly [string, { dataType: string; stringValue?: string; binaryValue?: string }]>(
    random,
    known,
    () => [
      random() < 0.5 ? pick(random, known)[0] : anyText(random),
      { dataType: anyText(random), ...(random() < 0.5 ? { binaryValue: anyText(random) } : {}) },
    ],
  );
  readSqs(
    toRaw({
      messageId: anyText(random),
      receiptHandle: 'receipt',
      body: random() < 0.8 ? body : anyText(random),
      attributes: { SentTimestamp: pick(random, numbers), MessageGroupId: anyText(random) },
      ...(random() < 0.9 ? { messageAttributes: Object.fromEntries(others) } : {}),
      eventSourceARN: 'arn:aws:sqs:eu-west-1:1:orders',
    }),
  );
}
