import { createRequire } from 'node:module';
import { describe, expect, test } from 'vitest';
import { decodeRecord } from '../src/encoding.ts';
import { type FetchAnswer, readFetchAnswer } from '../src/fetch-answer.ts';
import { fetchingBroker } from '../src/fetching-broker.ts';
import type { Broker, FetchedPartition } from '../src/protocol.ts';
import { answerOf, storedBatch, type StoredInput } from './support/stored-answer.ts';

const require = createRequire(import.meta.url);
const kafkajs = require('kafkajs/src/protocol/requests/fetch/v11/response') as {
  decode(raw: Buffer): Promise<FetchAnswer>;
};
const context = { destination: 'd', topic: 't', partition: 3, nowMs: 1_700_000_100_000 };
const own = {
  ce_specversion: '1.0',
  ce_id: 'an id',
  ce_source: '/x',
  ce_type: 't',
  ce_time: '2026-01-01T00:00:00.000Z',
  'anymq-version': '1',
};
const inputs: readonly StoredInput[] = [
  { value: Buffer.from('{"a":1}'), key: Buffer.from('küche'), headers: { ...own, tenant: 'a' } },
  { value: Buffer.alloc(0), key: Buffer.alloc(0), headers: {} },
  { value: Buffer.alloc(3000, 7), headers: { ...own, long: 'x'.repeat(300), ünicode: '日本', empty: '' } },
  { headers: { bytes: Buffer.from([255, 254, 0]), twice: [Buffer.from('1'), Buffer.from('2')] } },
  { value: Buffer.from('later'), timestampDelta: 5_000_000_000 },
  { value: Buffer.from('earlier'), timestampDelta: -77 },
];

/** What differs in form: numbers for texts, and what is only read when it is asked for. */
function meaningOf({ messages, ...partition }: FetchedPartition): object {
  const records = messages.map((record) => ({
    offset: Number(record.offset),
    timestamp: Number(record.timestamp),
    isControl: record.isControlRecord,
    producerId: record.batchContext?.producerId,
    inTransaction: record.batchContext?.inTransaction,
    key: record.key,
    message: decodeRecord(record, context),
  }));
  const { partition: number, errorCode, highWatermark, lastStableOffset, abortedTransactions } = partition;
  return { number, errorCode, highWatermark, lastStableOffset, abortedTransactions, records };
}

async function bothOf(raw: Buffer): Promise<readonly [object, object]> {
  const [ours, theirs] = [readFetchAnswer(raw), await kafkajs.decode(raw)];
  const partitions = (answer: FetchAnswer | undefined): object => ({
    ...answer,
    responses: answer?.responses.map((each) => ({ ...each, partitions: each.partitions.map(meaningOf) })),
  });
  return [partitions(ours), partitions(theirs)];
}

describe('an answer to a fetch', () => {
  test('is read as kafkajs reads it: batches, nulls, bytes that are no text, times far apart, transactions', async () => {
    const batches = [
      await storedBatch(inputs, { firstOffset: 5_000_000_000 }),
      await storedBatch(inputs.slice(0, 1), { firstOffset: 5_000_000_100, transactional: true }),
    ];
    const [ours, theirs] = await bothOf(answerOf(batches, [[9, 5_000_000_100]]));
    expect(ours).toEqual(theirs);
  });

  test('ends before a batch that was cut, and may hold none', async () => {
    const batch = await storedBatch(inputs, { firstOffset: 0 });
    for (const cut of [batch.subarray(0, 80), batch.subarray(0, 30), batch.subarray(0, 0)]) {
      const [ours, theirs] = await bothOf(answerOf([batch, cut]));
      expect(ours).toEqual(theirs);
    }
    const [none, nothing] = await bothOf(answerOf([]));
    expect(none).toEqual(nothing);
  });

  test('is left to the client when it is compressed', async () => {
    const batches = [
      await storedBatch(inputs, { firstOffset: 0 }),
      await storedBatch(inputs, { firstOffset: 10, compression: 1 }),
    ];
    expect(readFetchAnswer(answerOf(batches))).toBeUndefined();
  });
});

describe('a broker that is fetched from', () => {
  const raw = async (compression: number): Promise<Buffer> =>
    answerOf([await storedBatch(inputs, { firstOffset: 0, compression })]);

  /** Answers as kafkajs's broker does, in a version of the request. */
  function brokerOf(apiVersion: number): Broker {
    const response = { decode: async () => 'by the client', parse: async (decoded: unknown) => decoded };
    const broker = {
      lookupRequest: () => (options: object) => ({ request: { apiVersion, options }, response }),
      async fetch(this: { lookupRequest(): (options: object) => { response: typeof response } }, answer: object) {
        const exchange = this.lookupRequest()({});
        return (exchange.response.decode as (raw: unknown) => Promise<unknown>)(answer);
      },
    };
    return broker as unknown as Broker;
  }

  test('has its records read by us in the version that we know, unless they are compressed', async () => {
    const fetch = (version: number, answer: Buffer) => fetchingBroker(brokerOf(version)).fetch(answer as never);
    expect(await fetch(11, await raw(0))).toMatchObject({ responses: [{ topicName: 't' }] });
    expect(await fetch(11, await raw(1))).toBe('by the client');
    expect(await fetch(10, await raw(0))).toBe('by the client');
  });

  test('is the same each time, and the one that was given when its requests cannot be found', () => {
    const broker = brokerOf(11);
    expect(fetchingBroker(broker)).toBe(fetchingBroker(broker));
    const other = { fetch: async () => ({ responses: [] }) } as unknown as Broker;
    expect(fetchingBroker(other)).toBe(other);
  });
});
