import {
  createWireFormat,
  type Message,
  type OutgoingMessage,
  type StoredLetter,
  toLetter,
  type WireFormat,
  type WireMessage,
  type WireMeta,
} from '@anymq/core/driver';
import type { FetchedRecord, KafkaRecord } from './protocol.ts';

const wire: WireFormat = createWireFormat({ attributePrefix: 'ce_' });
const noBytes = new Uint8Array(0);

/** Where a record stands, for what a foreign message lacks. */
export interface RecordContext {
  readonly destination: string;
  readonly topic: string;
  readonly partition: number;
  readonly nowMs: number;
}

/** The ordering key is the record's key. Without `meta`: a first send. */
export function encodeRecord(
  message: OutgoingMessage | Message,
  partition: number,
  nowMs: number,
  meta?: WireMeta,
): KafkaRecord {
  const fields = wire.encode(message, meta);
  // Without a prototype, so that '__proto__' is a header like any other.
  const headers = Object.create(null) as Record<string, string>;
  for (let index = 0; index + 1 < fields.length; index += 2) headers[fields[index] as string] = fields[index + 1] ?? '';
  const { buffer, byteOffset, byteLength } = message.body;
  return {
    partition,
    key: message.key ?? null,
    value: Buffer.from(buffer, byteOffset, byteLength),
    headers,
    timestamp: String(nowMs),
  };
}

/** Total: never throws, whoever wrote the record. The caller fills in the token and what it knows of earlier deliveries. */
export function decodeRecord(record: FetchedRecord, context: RecordContext): WireMessage {
  const { destination, topic, partition, nowMs } = context;
  const { key } = record;
  const message = wire.decode(record.fields ?? fieldsOf(record), {
    id: `${topic}-${partition}-${record.offset}`,
    timeMs: Number(record.timestamp),
    nowMs,
    source: `/${destination}`,
    type: destination,
    key: key === null ? undefined : key.toString('utf8'),
  });
  message.body = record.value ?? noBytes;
  return message;
}

/** As the client has read them. */
function fieldsOf({ headers = {} }: FetchedRecord): readonly unknown[] {
  const fields: unknown[] = [];
  for (const [name, value] of Object.entries(headers)) {
    if (!Array.isArray(value)) fields.push(name, textOf(value as Buffer | undefined));
    else for (const each of value.filter(isBytes)) fields.push(name, textOf(each));
  }
  return fields;
}

/** kafkajs takes what every object has ('constructor') for an earlier header of that name. */
function isBytes(value: unknown): value is Buffer {
  return value instanceof Uint8Array;
}

/** Bytes that are no text are left to the wire format, which has a rule for them. */
export function textOf(value: Buffer | undefined): unknown {
  const decoded = value?.toString('utf8') ?? '';
  return decoded.includes('\uFFFD') ? value : decoded;
}

export function decodeLetter(record: FetchedRecord, ref: object, context: RecordContext): StoredLetter {
  const { destination } = context;
  return toLetter(decodeRecord(record, context), ref, { atMs: Number(record.timestamp), destination });
}

/** When a record is due: of those of a retry topic, without decoding all of it. */
export function dueAtOf(record: FetchedRecord): number {
  const fields = record.fields ?? fieldsOf(record);
  const index = fields.findIndex((name, at) => at % 2 === 0 && name === 'anymq-due');
  const due = index < 0 ? 0 : Number(fields[index + 1]);
  return Number.isFinite(due) ? due : 0;
}
