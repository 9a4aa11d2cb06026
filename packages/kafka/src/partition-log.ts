import type { FetchedPartition, FetchedRecord } from './protocol.ts';
import { fits, noProgress, outlived, type HeldNote, type Progress, type Range } from './progress.ts';
import { visibleRecords } from './visible-records.ts';

/** A record of which this group is not done. */
export interface Entry {
  readonly offset: number;
  readonly log: PartitionLog;
  readonly record: FetchedRecord;
  /** From here to its own offset there never was anything to settle. */
  readonly from: number;
  readonly bytes: number;
  /** Not to be handed out before; milliseconds since 1970. */
  readonly availableAt: number;
  isOut: boolean;
}

export interface LogOptions {
  readonly topic: string;
  readonly partition: number;
  readonly leader: number;
  /** Where to go on: what was committed, or the first record that is there. */
  readonly from: number;
  readonly progress: Progress;
  readonly ownerId: string;
  /** Processes that live, besides this one: what they have begun has killed none of them. */
  readonly alive: ReadonlySet<string>;
  /** When a record may be handed out; 0: at once. */
  readonly availableAt: (record: FetchedRecord) => number;
  /** Most records to be kept here. */
  readonly maxBuffered: number;
}

const maxBufferedBytes = 2_097_152;
/** What a record takes in memory beside its bytes. */
const overheadBytes = 256;
const headerBytes = 256;
const nothing: ReadonlySet<number> = new Set();

/** One partition of one topic, in the hands of its owner: what was fetched, handed out and settled. Does no I/O. */
export class PartitionLog {
  readonly topic: string;
  readonly partition: number;
  leader: number;
  /** The next offset to fetch. */
  position: number;
  /** No longer ours: nothing of it is committed any more. */
  isLost = false;
  /** What the broker has. */
  committedOffset: number;
  /** Up to here messages may be handed out: a successor will suspect them. */
  reservedTo: number;
  readonly #options: LogOptions;
  readonly #undone = new Map<number, Entry>();
  readonly #ready: Entry[] = [];
  readonly #waiting: Entry[] = [];
  /** Times that earlier owners died of it. */
  readonly #deaths: ReadonlyMap<number, number>;
  readonly #started: Map<number, number>;
  readonly #held: Map<number, HeldNote>;
  #suspectTo: number;
  #restored: readonly Range[];
  /** Behind the last record that there was to see. */
  #seenTo: number;
  #bytes = 0;
  #hasTooManyGaps = false;
  #outCount = 0;

  constructor(options: LogOptions) {
    const { topic, partition, leader, from, progress, ownerId, alive } = options;
    this.#options = options;
    this.topic = topic;
    this.partition = partition;
    this.leader = leader;
    this.position = from;
    this.committedOffset = from;
    this.reservedTo = from;
    this.#restored = progress.done;
    this.#seenTo = from;
    const { owner = { id: ownerId, upTo: from } } = progress;
    const lives = owner.id === ownerId || alive.has(owner.id);
    this.#deaths = lives ? outlived(progress) : progress.started;
    this.#started = new Map(this.#deaths);
    this.#held = new Map(progress.held);
    this.#suspectTo = lives ? from : owner.upTo;
  }

  get wantsMore(): boolean {
    const buffered = this.#ready.length + this.#waiting.length;
    return !this.isLost && buffered < this.#options.maxBuffered && this.#bytes < maxBufferedBytes;
  }

  /** Nothing that was fetched is left to settle. */
  get isDone(): boolean {
    return this.#undone.size === 0;
  }

  get outCount(): number {
    return this.#outCount;
  }

  /** What was to come next is not there: goes on here. From beyond the end, what was noted is of other records. */
  restart(position: number): void {
    if (position < this.position) this.#forget(position);
    this.position = position;
    this.#seenTo = position;
  }

  #forget(position: number): void {
    for (const entry of this.#undone.values()) entry.isOut = false;
    this.#undone.clear();
    this.#ready.length = this.#waiting.length = this.#bytes = this.#outCount = 0;
    this.#restored = [];
    this.#suspectTo = position;
    this.#started.clear();
    this.#held.clear();
    this.committedOffset = this.reservedTo = position;
  }

  /** Takes over what was fetched. */
  append(fetched: FetchedPartition): void {
    for (const record of visibleRecords(fetched, this.position)) this.#add(record);
    const last = fetched.messages.at(-1);
    if (last !== undefined) this.position = Math.max(this.position, Number(last.offset) + 1);
  }

  #add(record: FetchedRecord): void {
    const offset = Number(record.offset);
    const from = this.#seenTo;
    this.#seenTo = offset + 1;
    if (this.#wasSettled(offset)) return;
    const availableAt = this.#options.availableAt(record);
    const bytes = overheadBytes + sizeOf(record);
    const entry: Entry = { offset, log: this, record, from, bytes, availableAt, isOut: false };
    this.#undone.set(offset, entry);
    this.#bytes += bytes;
    if (availableAt > 0) insert(this.#waiting, entry, (a) => a.availableAt);
    else this.#ready.push(entry);
  }

  #wasSettled(offset: number): boolean {
    while ((this.#restored[0]?.[1] ?? Infinity) <= offset) this.#restored = this.#restored.slice(1);
    return (this.#restored[0]?.[0] ?? Infinity) <= offset;
  }

  /** The next one to hand out; undefined: none for now. */
  take(now: number, maxBytes: number): Entry | undefined {
    this.#promote(now);
    // With nothing out nothing would ever close a gap: then one at a time.
    if (this.isLost || (this.#hasTooManyGaps && this.#outCount > 0)) return undefined;
    const [entry] = this.#ready;
    if (entry === undefined || entry.bytes > maxBytes) return undefined;
    this.#ready.shift();
    entry.isOut = true;
    this.#outCount++;
    this.#bytes -= entry.bytes;
    return entry;
  }

  /** The age of what is handed out next, as the time when it was written; undefined: there is nothing. */
  waitingSince(now: number): number | undefined {
    this.#promote(now);
    const [entry] = this.#ready;
    return entry === undefined ? undefined : Number(entry.record.timestamp);
  }

  #promote(now: number): void {
    while ((this.#waiting[0]?.availableAt ?? Infinity) <= now) {
      const due = this.#waiting.shift();
      if (due !== undefined) insert(this.#ready, due, (a) => a.offset);
    }
  }

  /** When the next waiting record may be handed out. */
  get nextAt(): number {
    return this.#waiting[0]?.availableAt ?? Infinity;
  }

  /** Back to its place: that was no death, but those before it stay. */
  putBack(entry: Entry): void {
    if (!entry.isOut) return;
    entry.isOut = false;
    this.#outCount--;
    this.#bytes += entry.bytes;
    this.#forgetStart(entry.offset);
    insert(this.#ready, entry, (a) => a.offset);
  }

  #forgetStart(offset: number): void {
    const deaths = this.#deaths.get(offset);
    if (deaths === undefined) this.#started.delete(offset);
    else this.#started.set(offset, deaths);
  }

  settle(entry: Entry): void {
    const { offset, isOut } = entry;
    if (this.#undone.get(offset) !== entry) return;
    this.#undone.delete(offset);
    if (isOut) this.#outCount--;
    this.#started.delete(offset);
    this.#held.delete(offset);
  }

  /** An earlier owner may have died of it. */
  isSuspect({ offset }: Entry): boolean {
    return offset < this.#suspectTo;
  }

  /** Times that it was started alone and not settled. */
  timesStarted({ offset }: Entry): number {
    return this.#started.get(offset) ?? 0;
  }

  /** Again, after a run that failed: a process dies only once. */
  start({ offset }: Entry): void {
    this.#started.set(offset, (this.#deaths.get(offset) ?? 0) + 1);
  }

  heldAs({ offset }: Entry): HeldNote | undefined {
    return this.#held.get(offset);
  }

  /** Its run has ended. */
  hold({ offset }: Entry, note: HeldNote): void {
    if (!this.#undone.has(offset)) return;
    this.#held.set(offset, note);
    this.#forgetStart(offset);
  }

  /** Everything before it is settled. */
  get watermark(): number {
    return this.watermarkWith(nothing);
  }

  /** As if what is at these offsets were settled too. */
  watermarkWith(settled: ReadonlySet<number>): number {
    for (const offset of this.#undone.keys()) if (!settled.has(offset)) return offset;
    return this.position;
  }

  /** What to write beside the watermark. */
  progress(settled: ReadonlySet<number> = nothing): Progress {
    const done = [...this.#done(settled)];
    this.#hasTooManyGaps = !fits(done.length);
    return {
      done,
      owner: { id: this.#options.ownerId, upTo: this.reservedTo },
      started: without(this.#started, settled),
      open: this.#open(),
      held: without(this.#held, settled),
    };
  }

  /** Begun by us, and not ended. */
  #open(): ReadonlySet<number> {
    const begun = [...this.#started].filter(([offset, times]) => times > (this.#deaths.get(offset) ?? 0));
    return new Set(begun.map(([offset]) => offset));
  }

  /** For a successor, to whom everything was given back: what runs is no death. */
  farewell(): Progress {
    const started = new Map([...this.#started.keys()].flatMap((offset) => this.#deathsOf(offset)));
    return { ...noProgress, done: [...this.#done(nothing)], started, held: this.#held };
  }

  #deathsOf(offset: number): readonly (readonly [number, number])[] {
    const deaths = this.#deaths.get(offset);
    return deaths === undefined ? [] : [[offset, deaths]];
  }

  /** Between what is undone, what was settled; a gap in which nothing ever was is none. What was settled before us counts until we have come to it. */
  *#done(settled: ReadonlySet<number>): Iterable<Range> {
    let from: number | undefined;
    for (const { offset, from: empty } of this.#undone.values()) {
      if (settled.has(offset)) continue;
      if (from !== undefined && empty > from) yield [from, offset];
      from = offset + 1;
    }
    if (from !== undefined && this.position > from) yield [from, this.position];
    for (const [start, end] of this.#restored) {
      if (end > this.position) yield [Math.max(start, this.position), end];
    }
  }
}

function without<V>(entries: ReadonlyMap<number, V>, offsets: ReadonlySet<number>): ReadonlyMap<number, V> {
  return offsets.size === 0 ? entries : new Map([...entries].filter(([offset]) => !offsets.has(offset)));
}

function sizeOf(record: FetchedRecord): number {
  return record.byteLength ?? headerBytes + (record.value?.byteLength ?? 0) + (record.key?.byteLength ?? 0);
}

/** Keeps the order; what comes last usually goes last. */
function insert(entries: Entry[], entry: Entry, by: (entry: Entry) => number): void {
  let index = entries.length;
  while (index > 0 && by(entries[index - 1] as Entry) > by(entry)) index--;
  if (index === entries.length) entries.push(entry);
  else entries.splice(index, 0, entry);
}
