import { appendFileSync, closeSync, openSync, readFileSync, readSync } from 'node:fs';

/** One line of the ledger. Lines stand in the order in which they were written, whichever process wrote them. */
export type Entry = Confirmed | Effect;

/** The broker has confirmed that it has the message. */
export interface Confirmed extends Line {
  readonly what: 'confirmed';
  /** When it was sent: what was there before something was deleted may be noted after that. Milliseconds of the wall clock. */
  readonly sentAt: number;
}

/** A handler has done its work for the message; whether the broker learned of it is another matter. */
export interface Effect extends Line {
  readonly what: 'effect';
  readonly attempt: number;
  readonly process: number;
}

interface Line {
  readonly id: string;
  /** Its lane: the ordering key on an ordered destination. */
  readonly key: string;
  /** Its place in its lane, from 0. */
  readonly sequence: number;
  /** Milliseconds of the wall clock. */
  readonly at: number;
}

/** Writes one line: a process that is killed afterwards has written it, and one that is killed before has not. */
export function note(file: string, entry: Entry): void {
  appendFileSync(file, `${JSON.stringify(entry)}\n`);
}

export function readLedger(file: string): readonly Entry[] {
  const lines = readFileSync(file, 'utf8').split('\n');
  // What follows the last line break is a line that is being written.
  return lines.slice(0, -1).map((line) => JSON.parse(line) as Entry);
}

/** Reads a ledger that grows: what it has read it keeps, so that a look at a long one costs only what is new. */
export interface LedgerView {
  /** All that has been read so far. */
  readonly entries: readonly Entry[];
  /** Of different messages. */
  readonly confirmed: number;
  /** Reads on. */
  look(): void;
}

export function viewLedger(file: string): LedgerView {
  const entries: Entry[] = [];
  const confirmed = new Set<string>();
  let offset = 0;
  return {
    entries,
    get confirmed() {
      return confirmed.size;
    },
    look() {
      const added = readFrom(file, offset);
      const end = added.lastIndexOf('\n') + 1;
      offset += end;
      for (const line of added.toString('utf8', 0, end).split('\n').slice(0, -1)) {
        const entry = JSON.parse(line) as Entry;
        entries.push(entry);
        if (entry.what === 'confirmed') confirmed.add(entry.id);
      }
    },
  };
}

function readFrom(file: string, offset: number): Buffer {
  const descriptor = openSync(file, 'r');
  try {
    const parts: Buffer[] = [];
    for (let at = offset; ; at += parts.at(-1)?.length ?? 0) {
      const part = Buffer.allocUnsafe(1024 * 1024);
      const length = readSync(descriptor, part, 0, part.length, at);
      if (length === 0) return Buffer.concat(parts);
      parts.push(part.subarray(0, length));
    }
  } finally {
    closeSync(descriptor);
  }
}
