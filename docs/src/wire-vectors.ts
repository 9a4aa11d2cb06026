import { isDeepStrictEqual } from 'node:util';
import {
  createWireFormat,
  partitionOf,
  type OutgoingMessage,
  type WireFallback,
  type WireMeta,
  type WireNames,
} from '../../packages/core/src/driver.ts';
import vectors from '../wire-vectors.json' with { type: 'json' };

interface Vectors {
  readonly names: Readonly<Record<string, WireNames>>;
  readonly partition: readonly { readonly key: string; readonly partitions: number; readonly partition: number }[];
  readonly encode: readonly EncodeVector[];
  readonly decode: readonly DecodeVector[];
}
interface EncodeVector {
  readonly title: string;
  readonly names: string;
  readonly message: Omit<OutgoingMessage, 'body' | 'time'> & { readonly time: string };
  readonly meta?: WireMeta;
  /** Name → value; encoding is not about their order. */
  readonly fields: Readonly<Record<string, string>>;
}
interface DecodeVector {
  readonly title: string;
  readonly names: string;
  /** A list, because names may repeat. `{ "base64": … }` stands for bytes. */
  readonly fields: readonly (readonly [string, unknown])[];
  readonly fallback: WireFallback;
  /** What is not named is absent. */
  readonly message: Readonly<Record<string, unknown>>;
}

/** All that the format is about: a decoded message may have more, for its driver to fill in. */
const decodedFields = [
  'id',
  'key',
  'headers',
  'time',
  'type',
  'source',
  'contentType',
  'extensions',
  'attempt',
  'dueAt',
  'priority',
  'expiresAt',
  'failure',
] as const;

const { names, partition, encode, decode } = vectors as unknown as Vectors;

/** One sentence per vector that core does not agree with. */
export function vectorFaults(): { readonly faults: readonly string[]; readonly checked: number } {
  const faults = [...partitionFaults(), ...encode.flatMap(encodeFaults), ...decode.flatMap(decodeFaults)];
  return { faults, checked: partition.length + encode.length + decode.length };
}

function partitionFaults(): readonly string[] {
  return partition
    .filter((vector) => partitionOf(vector.key, vector.partitions) !== vector.partition)
    .map(({ key, partitions }) => `The partition of '${key}' among ${partitions} is ${partitionOf(key, partitions)}`);
}

function encodeFaults(vector: EncodeVector): readonly string[] {
  const { time, ...message } = vector.message;
  const flat = formatOf(vector.names).encode({ ...message, time: new Date(time) }, vector.meta);
  const fields = Object.fromEntries(flat.flatMap((name, index) => (index % 2 === 0 ? [[name, flat[index + 1]]] : [])));
  return compare(vector.title, fields, vector.fields);
}

function decodeFaults({ title, names, fields, fallback, message }: DecodeVector): readonly string[] {
  const flat = fields.flatMap(([name, value]) => [name, revived(value)]);
  const decoded = formatOf(names).decode(flat, fallback);
  const found = Object.fromEntries(decodedFields.map((field) => [field, decoded[field]]));
  return compare(title, JSON.parse(JSON.stringify(found)), message);
}

function formatOf(name: string): ReturnType<typeof createWireFormat> {
  const spelling = names[name];
  if (spelling === undefined) throw new Error(`There are no names '${name}'`);
  return createWireFormat(spelling);
}

function revived(value: unknown): unknown {
  const base64 =
    typeof value === 'object' && value !== null ? (value as { readonly base64?: string }).base64 : undefined;
  return base64 === undefined ? value : Buffer.from(base64, 'base64');
}

function compare(title: string, found: unknown, expected: unknown): readonly string[] {
  return isDeepStrictEqual(found, expected) ? [] : [`${title}: ${JSON.stringify(found)}`];
}
