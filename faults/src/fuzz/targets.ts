import { createWireFormat } from '@anymq/core/driver';
import type { DriverModule, WireNames } from '@anymq/core/driver';
import { kafka } from '@anymq/kafka';
import { memory } from '@anymq/memory';
import { rabbitmq } from '@anymq/rabbitmq';
import { redisStreams } from '@anymq/redis-streams';
import { sqs } from '@anymq/sqs';
import { checkConfig } from '../../../packages/core/src/config/check-config.ts';
import { unreadableUrl } from '../../../packages/core/src/config/adapter-errors.ts';
import { decodeBody } from '../../../packages/core/src/consume/decode-body.ts';
import { readFailure, writeFailure } from '../../../packages/core/src/wire-values.ts';
import * as kafkaOptions from '../../../packages/kafka/src/options.ts';
import * as rabbitmqOptions from '../../../packages/rabbitmq/src/options.ts';
import * as redisOptions from '../../../packages/redis-streams/src/options.ts';
import * as sqsOptions from '../../../packages/sqs/src/options.ts';
import { plain } from '../work.ts';
import { adapterTargets } from './adapter-targets.ts';
import { mayThrow, requireSound } from './expectations.ts';
import type { FuzzTarget } from './fuzz.ts';
import { anyFailure, anyMessage, anyMeta } from './messages.ts';
import { anyBytes, anyText, anyValue, disturb, pick, several } from './values.ts';
import type { Random } from './values.ts';

const nowMs = Date.UTC(2026, 10, 22);

const spellings: readonly WireNames[] = [
  { attributePrefix: 'ce_' },
  { attributePrefix: 'ce_', headerPrefix: 'h:' },
  { attributePrefix: 'cloudEvents_', alsoReadPrefixes: ['cloudEvents:'] },
];

/** The decoders of what strangers can write, and of what people can get wrong in a configuration. */
export const fuzzTargets: readonly FuzzTarget[] = [
  { name: 'wire', tryOne: wire },
  { name: 'wire-round-trip', tryOne: wireRoundTrip },
  { name: 'failure-record', tryOne: failureRecord },
  { name: 'body', tryOne: body },
  ...adapterTargets,
  { name: 'configuration', tryOne: configuration },
  { name: 'options', tryOne: options },
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

function configuration(random: Random): void {
  const sound = { brokers: { main: 'memory:' }, routes: { orders: 'main' }, namespace: 'n', provision: 'create' };
  const entries = disturb(random, Object.entries(sound) as [string, unknown][], () => [
    pick(random, [...Object.keys(sound), anyText(random)]),
    anyValue(random),
  ]);
  mayThrow(['INVALID_OPTION'], () => checkConfig(random() < 0.9 ? Object.fromEntries(entries) : anyValue(random)));
}

/** What each adapter reads its options with, and their names. */
const readers: readonly (readonly [names: readonly string[], read: (options: object) => unknown])[] = [
  [kafkaOptions.configurationNames, kafkaOptions.readSettings],
  [rabbitmqOptions.moduleOptions, rabbitmqOptions.readOptions],
  [redisOptions.configurationNames, redisOptions.readSettings],
  [sqsOptions.configurationNames, sqsOptions.readSettings],
];

function options(random: Random): void {
  const [names, read] = pick(random, readers);
  const name = () => (random() < 0.95 ? pick(random, [...names, 'namespace']) : anyText(random));
  const given = several(random, 3, () => [name(), anyValue(random)] as const);
  mayThrow(['INVALID_OPTION'], () => read(Object.fromEntries(given)));
}

const password = 'p4ssw0rd-nobody-may-see';
const marks = [':', '@', '/', '?', '#', '[', ']', '[::1]', '%', '%zz', '%40', ',', '=', '&', '99999', ''];

function url(random: Random): void {
  const module = pick(random, [memory, redisStreams, rabbitmq, kafka, sqs]);
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
