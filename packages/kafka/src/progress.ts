/** What a member writes beside the committed offset: an owner's successor begins with it. */
export interface Progress {
  /** Settled beyond the committed offset, as [from, to) in ascending order. */
  readonly done: readonly Range[];
  /** Who may have handed out messages, and up to which offset. Undefined: everything was given back. */
  readonly owner?: { readonly id: string; readonly upTo: number } | undefined;
  /** Offset → times that it was started under suspicion, and its process died, or may have. */
  readonly started: ReadonlyMap<number, number>;
  /** Those of which the last start is the owner's, and has not ended. */
  readonly open: ReadonlySet<number>;
  readonly held: ReadonlyMap<number, HeldNote>;
}

export type Range = readonly [from: number, to: number];

export interface HeldNote {
  readonly attempt: number;
  readonly heldUntil: number;
  /** Of the failure record, what there is room for. */
  readonly failure?: ShortFailure | undefined;
}

export interface ShortFailure {
  readonly name: string;
  readonly code?: string | undefined;
  readonly message: string;
  readonly attempts: number;
  readonly firstFailedAt: number;
  readonly lastFailedAt: number;
}

/** The broker's `offset.metadata.max.bytes`, by default. */
export const maxNoteBytes = 4096;
/** Room for the owner: without one, nothing would be suspect after a crash. */
export const minNoteBytes = 64;
const maxMarks = 64;
const version = 1;
export const noProgress: Progress = { done: [], started: new Map(), open: new Set(), held: new Map() };

/** Of an owner that lives: what had been begun before it. */
export function outlived({ started, open }: Progress): ReadonlyMap<number, number> {
  const before = [...started].map(([offset, times]) => [offset, open.has(offset) ? times - 1 : times] as const);
  return new Map(before.filter(([, times]) => times > 0));
}

/** As much as there is room for: first the owner and the marks, then what is settled, then what is held, earliest first. */
export function encodeProgress(base: number, progress: Progress, maxBytes: number = maxNoteBytes): string {
  const { owner, started, open, done, held } = progress;
  if (owner === undefined && started.size === 0 && done.length === 0 && held.size === 0) return '';
  const fields: Record<string, unknown> = { v: version };
  if (owner !== undefined) fields['o'] = [owner.id, owner.upTo - base];
  if (started.size > 0) fields['s'] = marksOf(base, { started, open }, maxBytes - JSON.stringify(fields).length - 16);
  if (done.length > 0) fields['d'] = encodeRanges(base, done, maxBytes - JSON.stringify(fields).length - 16);
  const text = JSON.stringify(fields);
  return held.size === 0 ? text : withHeld(base, fields, held, maxBytes - Buffer.byteLength(text) - 8);
}

function marksOf(
  base: number,
  { started, open }: Pick<Progress, 'started' | 'open'>,
  room: number,
): readonly (readonly number[])[] {
  const marks: (readonly number[])[] = [];
  let left = room;
  for (const [offset, times] of started) {
    const mark = [offset - base, times, ...(open.has(offset) ? [1] : [])];
    left -= JSON.stringify(mark).length + 1;
    if (left < 0 || marks.length === maxMarks) break;
    marks.push(mark);
  }
  return marks;
}

function withHeld(
  base: number,
  fields: Record<string, unknown>,
  held: ReadonlyMap<number, HeldNote>,
  room: number,
): string {
  const entries: unknown[] = [];
  let left = room;
  for (const [offset, note] of [...held].toSorted(([a], [b]) => a - b)) {
    const { attempt, heldUntil, failure } = note;
    const full = [offset - base, attempt, heldUntil, ...(failure === undefined ? [] : [failure])];
    const entry = [full, full.slice(0, 3)].find((each) => Buffer.byteLength(JSON.stringify(each)) + 1 <= left);
    if (entry === undefined) break;
    left -= Buffer.byteLength(JSON.stringify(entry)) + 1;
    entries.push(entry);
  }
  return JSON.stringify(entries.length === 0 ? fields : { ...fields, h: entries });
}

/** Gap, length, gap, length … as numbers of seven bits each, in base64. What does not fit is left out: it runs again. */
function encodeRanges(base: number, ranges: readonly Range[], maxLength: number): string {
  const bytes: number[] = [];
  const maxBytes = Math.floor(maxLength / 4) * 3;
  let from = base;
  for (const [start, end] of ranges) {
    const pair = [...varint(start - from), ...varint(end - start)];
    if (bytes.length + pair.length > maxBytes) break;
    bytes.push(...pair);
    from = end;
  }
  return Buffer.from(bytes).toString('base64');
}

/** Whether everything that is settled can be written down, with some room to spare. */
export function fits(ranges: number): boolean {
  return ranges * 4 * (4 / 3) < maxNoteBytes - 700;
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) + 0x80);
    rest = Math.floor(rest / 0x80);
  }
  bytes.push(rest);
  return bytes;
}

/** Total: what somebody else wrote there counts as nothing. */
export function decodeProgress(base: number, note: string): Progress {
  const fields = parse(note);
  if (fields === undefined || fields['v'] !== version) return noProgress;
  const { o, s, d, h } = fields;
  const marks = listOf(s, 2);
  return {
    done: typeof d === 'string' ? decodeRanges(base, d) : [],
    owner: isPair(o, 'string') ? { id: o[0] as string, upTo: base + Number(o[1]) } : undefined,
    started: new Map(marks.map(([offset, times]) => [base + Number(offset), Number(times)])),
    open: new Set(marks.filter(([, , isOpen]) => isOpen === 1).map(([offset]) => base + Number(offset))),
    held: new Map(
      listOf(h, 3).map(([offset, attempt, heldUntil, failure]) => [
        base + Number(offset),
        {
          attempt: Number(attempt),
          heldUntil: Number(heldUntil),
          failure: typeof failure === 'object' && failure !== null ? (failure as ShortFailure) : undefined,
        },
      ]),
    ),
  };
}

function parse(note: string): Readonly<Record<string, unknown>> | undefined {
  if (!note.startsWith('{')) return undefined;
  try {
    return JSON.parse(note) as Readonly<Record<string, unknown>>;
  } catch {
    return undefined;
  }
}

function isPair(value: unknown, first: 'string' | 'number'): value is readonly [unknown, unknown] {
  return Array.isArray(value) && value.length === 2 && typeof value[0] === first && isWhole(value[1]);
}

/** Those entries that begin with so many whole numbers: anything else would hold a partition for ever, or let it go. */
function listOf(value: unknown, numbers: number): readonly (readonly unknown[])[] {
  if (!Array.isArray(value)) return [];
  return value.filter(
    (entry): entry is unknown[] =>
      Array.isArray(entry) && entry.length >= numbers && entry.slice(0, numbers).every(isWhole),
  );
}

function isWhole(value: unknown): boolean {
  return Number.isSafeInteger(value) && Math.abs(value as number) <= Number.MAX_SAFE_INTEGER / 2;
}

function decodeRanges(base: number, text: string): readonly Range[] {
  const numbers: number[] = [];
  let value = 0;
  let factor = 1;
  for (const byte of Buffer.from(text, 'base64')) {
    value += (byte % 0x80) * factor;
    factor *= 0x80;
    if (byte >= 0x80) continue;
    if (!isWhole(value)) break;
    numbers.push(value);
    value = 0;
    factor = 1;
  }
  const ranges: Range[] = [];
  let from = base;
  for (let index = 0; index + 1 < numbers.length; index += 2) {
    const start = from + (numbers[index] ?? 0);
    from = start + (numbers[index + 1] ?? 0);
    if (!isWhole(from)) break;
    ranges.push([start, from]);
  }
  return ranges;
}
