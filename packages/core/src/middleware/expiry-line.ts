import { type Linked, LinkedList } from './linked-list.ts';

/** A key of the memory store, always in one line. There may be 100,000 of them: what a call or a line has in common is there. */
export class Entry implements Linked<Entry> {
  readonly key: string;
  /** Of the call that claimed it: each call has another. */
  readonly token: string;
  result: Uint8Array | undefined = undefined;
  expiresAt = 0;
  line: ExpiryLine;
  previous: Entry | undefined = undefined;
  next: Entry | undefined = undefined;

  constructor(key: string, token: string, line: ExpiryLine) {
    this.key = key;
    this.token = token;
    this.line = line;
  }
}

/** Entries of one duration, so that the first is the first to expire. */
export class ExpiryLine extends LinkedList<Entry> {
  readonly durationMs: number;
  /** Whether its entries are completed, or else claimed. */
  readonly isDone: boolean;

  constructor(durationMs: number, isDone: boolean) {
    super();
    this.durationMs = durationMs;
    this.isDone = isDone;
  }

  /** Out of the line where it stood; it expires after this one's duration. */
  take(entry: Entry, now: number): void {
    entry.line.remove(entry);
    this.add(entry, now);
  }

  /** One that stands in no line. Whole milliseconds, as they take no room of their own. */
  add(entry: Entry, now: number): void {
    entry.line = this;
    entry.expiresAt = Math.ceil(now) + this.durationMs;
    this.append(entry);
  }
}
