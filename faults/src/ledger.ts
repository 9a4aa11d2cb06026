import { appendFileSync, readFileSync } from 'node:fs';

/** One line of the ledger. Lines stand in the order in which they were written, whichever process wrote them. */
export type Entry = Confirmed | Effect;

/** The broker has confirmed that it has the message. */
export interface Confirmed extends Line {
  readonly what: 'confirmed';
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
