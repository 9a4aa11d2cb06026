import type { FetchedPartition } from './protocol.ts';
import { type StoredBatch, StoredRecord } from './stored-record.ts';
import { VarReader } from './var-reader.ts';

/** The version of the answer that is read here; since Kafka 2.3. */
export const fetchVersion = 11;

export interface FetchAnswer {
  readonly throttleTime: number;
  readonly clientSideThrottleTime: number;
  readonly errorCode: number;
  readonly sessionId: number;
  readonly responses: readonly { readonly topicName: string; readonly partitions: readonly FetchedPartition[] }[];
}

const currentMagic = 2;
const lengthEnd = 12;
const recordsAt = 61;
const compressionMask = 0x07;
const appendTimeMask = 0x08;
const transactionMask = 0x10;
const controlMask = 0x20;

/** What is compressed, or older than Kafka 0.11, is left to the client, which decodes all of the answer then. */
const notOurs = new Error('The client has to read this answer.');

/** undefined: the client has to decode it. Like kafkajs, trusts what TCP has checked, and leaves out a batch that was cut. */
export function readFetchAnswer(raw: Buffer): FetchAnswer | undefined {
  try {
    const reader = new Reader(raw);
    // Of the throttling the broker has taken care; what the client is to do about it is its own.
    const clientSideThrottleTime = reader.int32();
    const errorCode = reader.int16();
    const sessionId = reader.int32();
    const responses = reader.array(() => ({
      topicName: reader.text(),
      partitions: reader.array(() => readPartition(reader)),
    }));
    return { throttleTime: 0, clientSideThrottleTime, errorCode, sessionId, responses };
  } catch (error) {
    if (error === notOurs) return undefined;
    throw error;
  }
}

function readPartition(reader: Reader): FetchedPartition {
  const partition = reader.int32();
  const errorCode = reader.int16();
  const highWatermark = reader.int64();
  const lastStableOffset = reader.int64();
  reader.at += 8; // where the log starts
  const abortedTransactions = reader.array(() => ({ producerId: reader.int64(), firstOffset: reader.int64() }));
  reader.at += 4; // a replica that would rather be read
  const size = Math.max(0, reader.int32());
  const messages = readBatches(reader.buffer, reader.at, Math.min(reader.buffer.length, reader.at + size));
  reader.at += size;
  return { partition, errorCode, highWatermark, lastStableOffset, abortedTransactions, messages };
}

function readBatches(buffer: Buffer, from: number, end: number): readonly StoredRecord[] {
  const records: StoredRecord[] = [];
  for (let at = from; at + recordsAt <= end;) {
    const next = at + lengthEnd + buffer.readInt32BE(at + 8);
    if (buffer[at + 16] !== currentMagic || (buffer.readInt16BE(at + 21) & compressionMask) !== 0) throw notOurs;
    if (next > end) break;
    readRecords(records, buffer, at);
    at = next;
  }
  return records;
}

function readRecords(records: StoredRecord[], buffer: Buffer, at: number): void {
  const batch = readBatch(buffer, at);
  const reader = new VarReader(buffer, at + recordsAt);
  for (let left = buffer.readInt32BE(at + 57); left > 0; left -= 1) {
    const length = reader.read();
    const from = reader.at;
    reader.at += length;
    records.push(new StoredRecord(buffer, from, reader.at, batch));
  }
}

function readBatch(buffer: Buffer, at: number): StoredBatch {
  const attributes = buffer.readInt16BE(at + 21);
  return {
    baseOffset: Number(buffer.readBigInt64BE(at)),
    baseTimestamp: Number(buffer.readBigInt64BE(at + 27)),
    appendedAt: (attributes & appendTimeMask) === 0 ? undefined : Number(buffer.readBigInt64BE(at + 35)),
    isControl: (attributes & controlMask) !== 0,
    producerId: String(buffer.readBigInt64BE(at + 43)),
    inTransaction: (attributes & transactionMask) !== 0,
  };
}

/** Numbers of a fixed length, one after the other. */
class Reader {
  readonly buffer: Buffer;
  at = 0;

  constructor(buffer: Buffer) {
    this.buffer = buffer;
  }

  int16(): number {
    return this.buffer.readInt16BE((this.at += 2) - 2);
  }

  int32(): number {
    return this.buffer.readInt32BE((this.at += 4) - 4);
  }

  int64(): string {
    return String(this.buffer.readBigInt64BE((this.at += 8) - 8));
  }

  text(): string {
    const length = Math.max(0, this.int16());
    return this.buffer.toString('utf8', this.at, (this.at += length));
  }

  array<T>(read: () => T): readonly T[] {
    return Array.from({ length: Math.max(0, this.int32()) }, read);
  }
}
