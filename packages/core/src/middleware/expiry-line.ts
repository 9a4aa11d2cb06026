/** A key of the memory store. Stands in one line at a time. */
export class Entry {
  readonly key: string;
  readonly token: string;
  done = false;
  result: Uint8Array | undefined = undefined;
  /** When it was put into its line, and when it expires there. */
  since = 0;
  expiresAt = 0;
  line: ExpiryLine | undefined = undefined;
  previous: Entry | undefined = undefined;
  next: Entry | undefined = undefined;

  constructor(key: string, token: string) {
    this.key = key;
    this.token = token;
  }
}

/** Entries of one duration, so that the first is the first to expire. Linked: a set that is emptied from its front gets slow. */
export class ExpiryLine {
  readonly #durationMs: number;
  #first: Entry | undefined;
  #last: Entry | undefined;

  constructor(durationMs: number) {
    this.#durationMs = durationMs;
  }

  get first(): Entry | undefined {
    return this.#first;
  }

  /** Takes it out of the line where it stood. */
  append(entry: Entry, now: number): void {
    entry.line?.remove(entry);
    entry.line = this;
    entry.since = now;
    entry.expiresAt = now + this.#durationMs;
    entry.previous = this.#last;
    if (this.#last === undefined) this.#first = entry;
    else this.#last.next = entry;
    this.#last = entry;
  }

  remove(entry: Entry): void {
    const { previous, next } = entry;
    if (previous === undefined) this.#first = next;
    else previous.next = next;
    if (next === undefined) this.#last = previous;
    else next.previous = previous;
    entry.line = entry.previous = entry.next = undefined;
  }
}
