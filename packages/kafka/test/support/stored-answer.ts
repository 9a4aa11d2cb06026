import { createRequire } from 'node:module';

/** Of kafkajs, and as undocumented as what takes its place. */
interface Encoder {
  readonly buffer: Buffer;
  writeBuffer(value: Buffer): Encoder;
  writeInt16(value: number): Encoder;
  writeInt32(value: number): Encoder;
  writeInt64(value: number): Encoder;
  writeString(value: string): Encoder;
}

const require = createRequire(import.meta.url);
const KafkaEncoder = require('kafkajs/src/protocol/encoder') as new () => Encoder;
const batches = require('kafkajs/src/protocol/recordBatch/v0') as { RecordBatch(batch: object): Promise<Encoder> };
const encodeStored = require('kafkajs/src/protocol/recordBatch/record/v0') as (record: object) => Encoder;

export interface StoredInput {
  readonly key?: Buffer | null;
  readonly value?: Buffer | null;
  readonly headers?: Readonly<Record<string, string | Buffer | readonly Buffer[]>>;
  readonly timestampDelta?: number;
}

/** As a broker stores them: offsets from `firstOffset` on. */
export async function storedBatch(
  records: readonly StoredInput[],
  options: { readonly firstOffset: number; readonly compression?: number; readonly transactional?: boolean },
): Promise<Buffer> {
  const encoded = records.map((record, offsetDelta) =>
    encodeStored({ key: null, value: null, ...record, offsetDelta }),
  );
  const batch = await batches.RecordBatch({ firstTimestamp: 1_700_000_000_000, records: encoded, ...options });
  return batch.buffer;
}

/** What a broker answers to version 11 of Fetch, of one partition. */
export function answerOf(batches: readonly Buffer[], aborted: readonly (readonly [number, number])[] = []): Buffer {
  const bytes = Buffer.concat(batches);
  const head = new KafkaEncoder()
    .writeInt32(7)
    .writeInt16(0)
    .writeInt32(0)
    .writeInt32(1)
    .writeString('t')
    .writeInt32(1);
  const partition = head.writeInt32(3).writeInt16(0).writeInt64(50).writeInt64(40).writeInt64(0);
  partition.writeInt32(aborted.length);
  for (const [producerId, firstOffset] of aborted) partition.writeInt64(producerId).writeInt64(firstOffset);
  return partition.writeInt32(-1).writeInt32(bytes.length).writeBuffer(bytes).buffer;
}
