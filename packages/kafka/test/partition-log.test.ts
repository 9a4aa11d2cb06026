import { describe, expect, test } from 'vitest';
import type { FetchedPartition, FetchedRecord } from '../src/protocol.ts';
import type { Entry, PartitionLog } from '../src/partition-log.ts';
import { decodeProgress, encodeProgress, maxNoteBytes, noProgress, type Progress } from '../src/progress.ts';
import { visibleRecords } from '../src/visible-records.ts';
import { logOf } from './support/fakes.ts';

const record = (offset: number, rest: Partial<FetchedRecord> = {}): FetchedRecord => ({
  offset: String(offset),
  timestamp: '1000',
  key: null,
  value: Buffer.from('x'),
  ...rest,
});

const fetched = (records: readonly FetchedRecord[], rest: Partial<FetchedPartition> = {}): FetchedPartition => ({
  partition: 0,
  errorCode: 0,
  highWatermark: '0',
  messages: records,
  ...rest,
});

function logFrom(from: number, progress: Progress = noProgress): PartitionLog {
  return logOf({ from, progress });
}

function takeAll(log: PartitionLog): Entry[] {
  const taken: Entry[] = [];
  for (let entry = log.take(0, Infinity); entry !== undefined; entry = log.take(0, Infinity)) taken.push(entry);
  return taken;
}

describe('a partition', () => {
  test('is settled up to the first that is not, however far the others are', () => {
    const log = logFrom(5);
    log.append(fetched([5, 6, 7, 8, 9].map((offset) => record(offset))));
    const [five, six, , eight] = takeAll(log);
    expect(log.watermark).toBe(5);
    log.settle(six as Entry);
    log.settle(eight as Entry);
    expect([log.watermark, log.progress().done]).toEqual([
      5,
      [
        [6, 7],
        [8, 9],
      ],
    ]);
    log.settle(five as Entry);
    expect([log.watermark, log.progress().done]).toEqual([7, [[8, 9]]]);
  });

  test('passes over gaps, control records, and what its owner before had settled', () => {
    const log = logFrom(0, { ...noProgress, done: [[2, 4]] });
    log.append(fetched([record(0), record(2), record(3), record(7), record(8, { isControlRecord: true })]));
    const taken = takeAll(log);
    expect(taken.map(({ offset }) => offset)).toEqual([0, 7]);
    for (const entry of taken) log.settle(entry);
    expect(log.watermark).toBe(9);
  });

  test('begins anew when it stood beyond the end: nothing that was noted holds for other records', () => {
    const progress = { ...noProgress, done: [[101, 103]] as const, started: new Map([[100, 2]]) };
    const log = logFrom(100, { ...progress, owner: { id: 'other', upTo: 110 } });
    log.append(fetched([record(100), record(200)]));
    const [old] = takeAll(log) as [Entry, Entry];
    log.reservedTo = 210;
    log.restart(0);
    log.append(fetched([0, 1].map((offset) => record(offset))));
    const [first, second] = takeAll(log) as [Entry, Entry];
    expect([log.isSuspect(first), log.reservedTo, log.watermark]).toEqual([false, 0, 0]);
    log.settle(second);
    log.settle(old);
    expect(log.progress()).toMatchObject({ done: [[1, 2]], owner: { upTo: 0 }, started: new Map() });
    log.settle(first);
    expect(log.watermark).toBe(2);
  });

  test('has no gap where there never was anything to settle, as between the control records of many transactions', () => {
    const log = logFrom(0);
    const control = { isControlRecord: true };
    log.append(fetched(Array.from({ length: 4000 }, (_, offset) => record(offset, offset % 2 === 1 ? control : {}))));
    const taken = takeAll(log);
    expect(log.progress().done).toEqual([[3999, 4000]]);
    log.settle(taken[1] as Entry);
    expect(log.progress().done).toEqual([
      [1, 4],
      [3999, 4000],
    ]);
  });

  test('tells what its watermark and note would be with a transaction, and keeps its own', () => {
    const log = logFrom(0, { ...noProgress, started: new Map([[0, 1]]) });
    log.append(fetched([0, 1, 2].map((offset) => record(offset))));
    const settled = new Set([0, 2]);
    expect(log.watermarkWith(settled)).toBe(1);
    expect(log.progress(settled)).toMatchObject({ done: [[2, 3]], started: new Map() });
    expect([log.watermark, log.progress().done]).toEqual([0, []]);
  });

  test('hands out again, in its place, what came back, and forgets that it was started', () => {
    const log = logFrom(0);
    log.append(fetched([record(0), record(1), record(2)]));
    const [zero, one] = [log.take(0, Infinity) as Entry, log.take(0, Infinity) as Entry];
    log.start(zero);
    log.putBack(one);
    log.putBack(zero);
    expect(takeAll(log).map(({ offset }) => offset)).toEqual([0, 1, 2]);
    expect(log.timesStarted(zero)).toBe(0);
  });

  test('suspects what another owner may have handed out, and nothing of its own', () => {
    const note = { ...noProgress, owner: { id: 'other', upTo: 2 }, started: new Map([[1, 1]]) };
    const log = logFrom(0, note);
    log.append(fetched([record(0), record(1), record(2)]));
    expect(takeAll(log).map((entry) => [log.isSuspect(entry), log.timesStarted(entry)])).toEqual([
      [true, 0],
      [true, 1],
      [false, 0],
    ]);
    const mine = logFrom(0, { ...note, owner: { id: 'me', upTo: 2 } });
    mine.append(fetched([record(0)]));
    expect(takeAll(mine).map((entry) => mine.isSuspect(entry))).toEqual([false]);
  });

  test('counts a start once, however often its run is begun again, and not after the run has ended', () => {
    const log = logFrom(0, { ...noProgress, owner: { id: 'dead', upTo: 2 }, started: new Map([[0, 1]]) });
    log.append(fetched([record(0), record(1)]));
    const [zero, one] = takeAll(log) as [Entry, Entry];
    for (const entry of [zero, one, zero]) log.start(entry);
    expect([log.timesStarted(zero), log.timesStarted(one)]).toEqual([2, 1]);
    expect([...log.progress().open]).toEqual([0, 1]);
    log.hold(zero, { attempt: 2, heldUntil: 1 });
    expect([log.timesStarted(zero), ...log.progress().open]).toEqual([1, 1]);
  });

  test.each([
    ['that has left the group', [], true, [2, 1]],
    ['that is in the group still', ['other'], false, [1, 0]],
  ])('counts what an owner had begun as a death, if it is one %s', (_, alive, isSuspect, times) => {
    const started = new Map([
      [0, 2],
      [1, 1],
    ]);
    const owner = { id: 'other', upTo: 2 };
    const log = logOf({ progress: { ...noProgress, owner, started, open: new Set([0, 1]) }, alive: new Set(alive) });
    log.append(fetched([record(0), record(1)]));
    const taken = takeAll(log);
    expect(taken.map((entry) => log.isSuspect(entry))).toEqual([isSuspect, isSuspect]);
    expect(taken.map((entry) => log.timesStarted(entry))).toEqual(times);
  });

  test('hands out no more while there are more gaps than can be written down', () => {
    const log = logFrom(0);
    log.append(fetched(Array.from({ length: 3000 }, (_, offset) => record(offset))));
    const taken = Array.from({ length: 2600 }, () => log.take(0, Infinity) as Entry);
    for (const entry of taken) if (entry.offset % 2 === 1) log.settle(entry);
    expect(log.progress().done.length).toBe(1300);
    expect(log.take(0, Infinity)).toBeUndefined();
    for (const entry of taken) log.settle(entry);
    log.progress();
    expect(log.take(0, Infinity)?.offset).toBe(2600);
  });

  test('goes on one by one when nothing is out that could close a gap', () => {
    const log = logOf({ availableAt: ({ timestamp }) => Number(timestamp) });
    log.append(fetched([record(0, { timestamp: '300' }), record(1, { timestamp: '200' })]));
    expect([log.take(199, Infinity), log.nextAt]).toEqual([undefined, 200]);
    expect([log.take(200, Infinity)?.offset, log.nextAt]).toEqual([1, 300]);
  });
});

test('a note comes back as it was written, within the room that the broker has', () => {
  const progress: Progress = {
    done: [
      [103, 104],
      [110, 5000],
    ],
    owner: { id: 'me', upTo: 5100 },
    started: new Map([
      [101, 2],
      [102, 1],
    ]),
    open: new Set([102]),
    held: new Map([
      [
        100,
        {
          attempt: 3,
          heldUntil: 1_800_000_000_000,
          failure: { name: 'Error', message: 'ü', attempts: 2, firstFailedAt: 1, lastFailedAt: 2 },
        },
      ],
    ]),
  };
  expect(decodeProgress(100, encodeProgress(100, progress))).toEqual(progress);
  const held = new Map(Array.from({ length: 500 }, (_, n) => [n, { attempt: 2, heldUntil: 1_800_000_000_000 }]));
  const done = Array.from({ length: 2000 }, (_, n): [number, number] => [1000 + n * 2, 1001 + n * 2]);
  const note = encodeProgress(0, { ...progress, held, done });
  expect(Buffer.byteLength(note)).toBeLessThanOrEqual(maxNoteBytes);
  const back = decodeProgress(0, note);
  expect(back.owner).toEqual(progress.owner);
  expect(back.done).toEqual(done.slice(0, back.done.length));
  for (const foreign of ['', 'text', '{', '{"v":9}', '{"v":1,"d":7,"s":3,"h":[1],"o":[]}'])
    expect(decodeProgress(0, foreign)).toEqual({ ...noProgress, owner: undefined });
});

test('what an aborted transaction wrote is not seen, and what came before and after it is', () => {
  const inTransaction = { producerId: '7', inTransaction: true };
  const messages = [
    record(0, { batchContext: { producerId: '7', inTransaction: true } }),
    record(1, { isControlRecord: true, key: Buffer.from([0, 0, 0, 1]), batchContext: inTransaction }),
    record(2, { batchContext: inTransaction }),
    record(3, { batchContext: { producerId: '8', inTransaction: false } }),
    record(4, { isControlRecord: true, key: Buffer.from([0, 0, 0, 0]), batchContext: inTransaction }),
    record(5, { batchContext: inTransaction }),
  ];
  const abortedTransactions = [{ producerId: '7', firstOffset: '2' }];
  const seen = [...visibleRecords(fetched(messages, { abortedTransactions }), 0)];
  expect(seen.map(({ offset }) => offset)).toEqual(['0', '3', '5']);
});
