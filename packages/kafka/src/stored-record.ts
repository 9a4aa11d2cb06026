import { textOf } from './encoding.ts';
import type { FetchedRecord } from './protocol.ts';
import { VarReader } from './var-reader.ts';

/** What the records of one stored batch have in common. */
export interface StoredBatch {
  readonly baseOffset: number;
  readonly baseTimestamp: number;
  /** Where the broker stamps what it is given; else undefined. */
  readonly appendedAt: number | undefined;
  readonly isControl: boolean;
  readonly producerId: string;
  readonly inTransaction: boolean;
}

/** A record as it lies in an answer: what is in it is read when it is asked for. */
export class StoredRecord implements FetchedRecord {
  readonly offset: number;
  readonly timestamp: number;
  readonly byteLength: number;
  readonly batchContext: StoredBatch;
  readonly #buffer: Buffer;
  readonly #keyAt: number;
  readonly #headersAt: number;

  /** From behind its own length. */
  constructor(buffer: Buffer, from: number, end: number, batch: StoredBatch) {
    const reader = new VarReader(buffer, from + 1);
    const timestamp = batch.baseTimestamp + reader.read();
    this.timestamp = batch.appendedAt ?? timestamp;
    this.offset = batch.baseOffset + reader.read();
    this.byteLength = end - from;
    this.batchContext = batch;
    this.#buffer = buffer;
    this.#keyAt = reader.at;
    reader.skipBytes();
    reader.skipBytes();
    this.#headersAt = reader.at;
  }

  get isControlRecord(): boolean {
    return this.batchContext.isControl;
  }

  get key(): Buffer | null {
    return new VarReader(this.#buffer, this.#keyAt).readBytes();
  }

  get value(): Buffer | null {
    const reader = new VarReader(this.#buffer, this.#keyAt);
    reader.skipBytes();
    return reader.readBytes();
  }

  get fields(): readonly unknown[] {
    return readFields(new VarReader(this.#buffer, this.#headersAt));
  }
}

/** Most headers are letters of one byte each: then one text is made of all of them, and cut. */
function readFields(reader: VarReader): readonly unknown[] {
  const count = 2 * reader.read();
  const { buffer, at: from } = reader;
  const bounds: number[] = [];
  for (let index = 0; index < count; index += 1) {
    const length = Math.max(0, reader.read());
    bounds.push(reader.at, (reader.at += length));
  }
  const all = buffer.toString('utf8', from, reader.at);
  const isPlain = all.length === reader.at - from && !all.includes('\uFFFD');
  const fields: unknown[] = [];
  for (let index = 0; index < bounds.length; index += 2) {
    const start = bounds[index] ?? 0;
    const end = bounds[index + 1] ?? 0;
    fields.push(isPlain ? all.slice(start - from, end - from) : textOf(buffer.subarray(start, end)));
  }
  return fields;
}
