import {
  type Address,
  type DeadLetterStore,
  lost,
  settled,
  type SettleResult,
  type StoredLetter,
  type Token,
} from '@anymq/core/driver';
import type { Broker, FetchedRecord } from './protocol.ts';
import {
  type Committed,
  commitAlone,
  committedOf,
  earliest,
  latest,
  type Leaders,
  leadersOf,
  offsetsOf,
} from './cluster-calls.ts';
import type { DriverContext } from './driver-context.ts';
import { decodeLetter, encodeRecord } from './encoding.ts';
import { KafkaDriverError } from './errors.ts';
import { countLetters } from './inspection.ts';
import { namesOf } from './names.ts';
import { decodeProgress, encodeProgress, fits, noProgress, type Range } from './progress.ts';
import { Partitioner } from './sender.ts';
import { visibleRecords } from './visible-records.ts';

/** Of one letter, as it was shown. */
class LetterRef {
  readonly offset: number;
  readonly record: FetchedRecord;
  /** Its copy was confirmed: what remains is to take it out. */
  isCopied = false;
  /** We tried to take it out: that it is gone may be our doing. */
  mayBeOut = false;
  /** Once it is known. */
  result: SettleResult | undefined = undefined;

  constructor(offset: number, record: FetchedRecord) {
    this.offset = offset;
    this.record = record;
  }
}

const maxFetchBytes = 4_194_304;

/** A topic of one partition. Those that were taken out of it stand in the commit of a group of its own. */
export function createDeadLetterStore(context: DriverContext, of: Address): DeadLetterStore {
  const { link, clock, namespace, writer } = context;
  const names = namesOf(namespace, of);
  const { dead } = names;
  const partitioner = new Partitioner();
  const contextOf = (): Parameters<typeof decodeLetter>[2] => ({
    destination: of.name,
    topic: dead,
    partition: 0,
    nowMs: clock.now(),
  });

  const removed = async (): Promise<Removed> => {
    const committed = await committedOf(link, dead, new Map([[dead, [0]]]));
    return new Removed(committed.get(dead)?.get(0));
  };

  const takeOut = async (refs: readonly LetterRef[]): Promise<void> => {
    const state = await removed();
    const results = refs.map(({ offset, mayBeOut }) => (state.has(offset) && !mayBeOut ? lost : settled));
    for (const { offset } of refs) state.add(offset);
    const committed = state.committed();
    for (const [index, ref] of refs.entries()) ref.mayBeOut = results[index] === settled;
    await commitAlone(link, dead, dead, new Map([[0, committed]]));
    for (const [index, ref] of refs.entries()) ref.result = results[index];
  };

  const requeue = async (refs: readonly LetterRef[]): Promise<void> => {
    const state = await removed();
    const copied = refs.filter(({ isCopied }) => isCopied);
    const there = refs.filter((ref) => !ref.isCopied && !state.has(ref.offset));
    for (const ref of refs) if (!ref.isCopied && state.has(ref.offset)) ref.result = lost;
    for (const { offset } of there) state.add(offset);
    // Before anything is written: what cannot be taken out afterwards would be redriven again.
    state.committed();
    const leaders = await leadersOf(link, names.retry, clock);
    if (leaders === undefined) throw new KafkaDriverError('NOT_FOUND', `The topic ${names.retry} does not exist.`);
    const letters = there.map((ref) => decodeLetter(ref.record, ref, contextOf()));
    const chosen = partitioner.choose(letters, leaders.size);
    const writes = letters.map((letter, index) => ({
      topic: names.retry,
      record: encodeRecord(letter, chosen[index] ?? 0, clock.now(), { attempt: 1 }),
    }));
    const { offsets, error } = await writer.write(writes);
    for (const ref of there.slice(0, offsets.length)) ref.isCopied = true;
    for (const ref of there.slice(offsets.length)) ref.result = { ok: false, reason: 'error', error };
    const out = [...copied, ...there.slice(0, offsets.length)];
    if (out.length > 0) await takeOut(out);
  };

  return {
    count: () => countLetters(context, dead),
    async page(cursor, { limit }) {
      const leaders = await leadersOf(link, dead, clock);
      if (leaders === undefined) return { letters: [] };
      const [state, ends] = await Promise.all([removed(), offsetsOf(link, dead, leaders, latest, clock)]);
      const end = ends.get(0) ?? 0;
      const from = cursor === undefined ? await firstOf(context, dead, leaders, state) : Number(cursor);
      const { records, next } = await read(context, dead, leaders, { from, end, limit }, state);
      const letters: StoredLetter[] = records.map((record) =>
        decodeLetter(record, new LetterRef(Number(record.offset), record), contextOf()),
      );
      return { letters, cursor: next >= end ? undefined : String(next) };
    },
    async requeue(refs) {
      const open = openRefs(refs);
      if (open.length > 0) await requeue(open);
      return refs.map(resultOf);
    },
    async remove(refs) {
      const open = openRefs(refs);
      if (open.length > 0) await takeOut(open);
      return refs.map(resultOf);
    },
    async close() {},
  };
}

async function firstOf(
  { link, clock }: DriverContext,
  dead: string,
  leaders: Leaders,
  state: Removed,
): Promise<number> {
  const first = await offsetsOf(link, dead, leaders, earliest, clock);
  return Math.max(first.get(0) ?? 0, state.from);
}

async function read(
  { link }: DriverContext,
  dead: string,
  leaders: Leaders,
  { from, end, limit }: { readonly from: number; readonly end: number; readonly limit: number },
  state: Removed,
): Promise<{ readonly records: readonly FetchedRecord[]; readonly next: number }> {
  const broker: Broker = await link.cluster.findBroker({ nodeId: leaders.get(0) ?? -1 });
  const records: FetchedRecord[] = [];
  let next = from;
  while (next < end && records.length < limit) {
    const topics = [
      { topic: dead, partitions: [{ partition: 0, fetchOffset: String(next), maxBytes: maxFetchBytes }] },
    ];
    const answer = await broker.fetch({
      isolationLevel: 1,
      maxWaitTime: 100,
      minBytes: 1,
      maxBytes: maxFetchBytes,
      topics,
    });
    const fetched = answer.responses[0]?.partitions[0];
    const last = fetched?.messages.at(-1);
    if (fetched === undefined || last === undefined) break;
    const before = next;
    next = Number(last.offset) + 1;
    for (const record of visibleRecords(fetched, before)) {
      if (state.has(Number(record.offset))) continue;
      records.push(record);
      if (records.length === limit) {
        next = Number(record.offset) + 1;
        break;
      }
    }
  }
  return { records, next };
}

/** Offsets that were taken out: all before `from`, and single ones after it. */
class Removed {
  from: number;
  #ranges: Range[];

  constructor(committed: Committed | undefined) {
    this.from = Math.max(0, committed?.offset ?? 0);
    this.#ranges = [...decodeProgress(this.from, committed?.note ?? '').done];
  }

  has(offset: number): boolean {
    return offset < this.from || this.#ranges.some(([start, end]) => offset >= start && offset < end);
  }

  add(offset: number): void {
    if (this.has(offset)) return;
    const ranges: Range[] = [];
    for (const range of [...this.#ranges, [offset, offset + 1] as Range].toSorted(([a], [b]) => a - b)) {
      const last = ranges.at(-1);
      if (last !== undefined && last[1] >= range[0]) ranges[ranges.length - 1] = [last[0], Math.max(last[1], range[1])];
      else ranges.push(range);
    }
    this.#ranges = ranges;
    if (this.#ranges[0]?.[0] === this.from) this.from = this.#ranges.shift()?.[1] ?? this.from;
  }

  committed(): Committed {
    if (!fits(this.#ranges.length))
      throw new KafkaDriverError(
        'THROTTLED',
        'Too many gaps between dead letters: remove or redrive the oldest first.',
      );
    return { offset: this.from, note: encodeProgress(this.from, { ...noProgress, done: this.#ranges }) };
  }
}

function openRefs(refs: readonly Token[]): readonly LetterRef[] {
  return refs.filter((ref): ref is LetterRef => ref instanceof LetterRef && ref.result?.ok !== true);
}

function resultOf(ref: Token): SettleResult {
  return ref instanceof LetterRef ? (ref.result ?? lost) : lost;
}
