import type { Text } from './encoding.ts';

const newline = 10;
const dollar = 36;
const asterisk = 42;
const plus = 43;
const minus = 45;
const zero = 48;
const nine = 57;
const colon = 58;

/** A command as the server reads it. */
export function encodeCommand(parts: readonly (string | number)[]): string {
  return parts.reduce<string>((text, part) => {
    const word = String(part);
    return `${text}$${Buffer.byteLength(word)}\r\n${word}\r\n`;
  }, `*${parts.length}\r\n`);
}

/** Cuts what a server sends (RESP 2) into whole replies, whatever pieces it comes in. */
export class ReplyCutter {
  readonly #onReply: (reply: Buffer) => void;
  #pieces: Buffer[] = [];
  /** Elements that have yet to come, until the reply is whole. */
  #missing = 1;
  /** Bytes that have yet to come of the element at hand. */
  #left = 0;
  /** Of the header at hand: its first byte, or 0. */
  #type = 0;
  #number = 0;
  #isNegative = false;

  constructor(onReply: (reply: Buffer) => void) {
    this.#onReply = onReply;
  }

  push(piece: Buffer): void {
    let from = 0;
    for (let at = 0; at < piece.length;) {
      at = this.#left > 0 ? this.#pass(piece, at) : this.#readHeader(piece, at);
      if (this.#missing > 0) continue;
      this.#end(piece.subarray(from, at));
      from = at;
    }
    if (from < piece.length) this.#pieces.push(piece.subarray(from));
  }

  #pass(piece: Buffer, at: number): number {
    const step = Math.min(this.#left, piece.length - at);
    this.#left -= step;
    if (this.#left === 0) this.#missing -= 1;
    return at + step;
  }

  #readHeader(piece: Buffer, from: number): number {
    for (let at = from; at < piece.length; at += 1) {
      const byte = piece[at] as number;
      if (byte === newline) {
        this.#endHeader();
        return at + 1;
      }
      if (this.#type === 0) this.#type = byte;
      else if (byte === minus) this.#isNegative = true;
      else if (byte >= zero && byte <= nine) this.#number = this.#number * 10 + byte - zero;
    }
    return piece.length;
  }

  #endHeader(): void {
    const number = this.#isNegative ? -1 : this.#number;
    if (this.#type === dollar && number >= 0) this.#left = number + 2;
    else this.#missing += this.#type === asterisk && number > 0 ? number - 1 : -1;
    this.#type = 0;
    this.#number = 0;
    this.#isNegative = false;
  }

  #end(last: Buffer): void {
    const reply = this.#pieces.length === 0 ? last : Buffer.concat([...this.#pieces, last]);
    this.#pieces = [];
    this.#missing = 1;
    this.#onReply(reply);
  }
}

/** Places of an array in which texts are compared with those of the array before, and their length at the most. */
const knownPlaces = 64;
const knownLength = 64;

/**
 * The value of one whole reply (RESP 2): numbers, nulls, arrays, texts; and bytes, for what is no text and for what follows
 * the text `bytesAfter` in an array. Entries of a stream have the same names and many of the same values in the same places:
 * such a text is made once. @throws an error with the server's words
 */
export function decodeReply(reply: Buffer, bytesAfter?: string): unknown {
  return new Decoding(reply, bytesAfter).value(0, 0, false);
}

class Decoding {
  readonly #bytes: Buffer;
  readonly #bytesAfter: string | undefined;
  #at = 0;
  /** By depth and place: where the last text began, and the text. */
  readonly #starts: number[] = [];
  readonly #texts: string[] = [];

  constructor(bytes: Buffer, bytesAfter: string | undefined) {
    this.#bytes = bytes;
    this.#bytesAfter = bytesAfter;
  }

  value(depth: number, place: number, staysBytes: boolean): unknown {
    const type = this.#bytes[this.#at];
    if (type === plus || type === minus) return this.#line(type);
    const number = this.#header();
    if (type === colon) return number;
    if (number < 0) return null;
    if (type === asterisk) return this.#array(number, depth + 1);
    const start = this.#at;
    this.#at += number + 2;
    if (staysBytes) return this.#copy(start, number);
    return place < knownPlaces && number <= knownLength
      ? this.#known(depth * knownPlaces + place, start, number)
      : this.#text(start, number);
  }

  #array(length: number, depth: number): readonly unknown[] {
    const values: unknown[] = [];
    let last: unknown;
    for (let place = 0; place < length; place += 1) {
      last = this.value(depth, place, last === this.#bytesAfter && place % 2 === 1);
      values.push(last);
    }
    return values;
  }

  /** The number behind the type, negative ones as -1; and to the next line. */
  #header(): number {
    let number = 0;
    let sign = 1;
    for (let byte = this.#bytes[++this.#at] as number; byte !== newline; byte = this.#bytes[++this.#at] as number) {
      if (byte === minus) sign = -1;
      else if (byte >= zero) number = number * 10 + byte - zero;
    }
    this.#at += 1;
    return number * sign;
  }

  #line(type: number): string {
    const start = this.#at + 1;
    const end = this.#bytes.indexOf(newline, start);
    this.#at = end + 1;
    const text = this.#bytes.toString('utf8', start, end - 1);
    if (type === minus) throw new Error(text);
    return text;
  }

  #known(place: number, start: number, length: number): Text {
    const text = this.#texts[place];
    if (text !== undefined && text.length === length && this.#isSame(this.#starts[place] as number, start, length)) {
      return text;
    }
    const made = this.#text(start, length);
    if (typeof made === 'string') {
      this.#starts[place] = start;
      this.#texts[place] = made;
    }
    return made;
  }

  #isSame(one: number, other: number, length: number): boolean {
    const bytes = this.#bytes;
    for (let index = 0; index < length; index += 1) if (bytes[one + index] !== bytes[other + index]) return false;
    return true;
  }

  #text(start: number, length: number): Text {
    const text = this.#bytes.toString('utf8', start, start + length);
    return text.includes('\uFFFD') ? this.#bytes.subarray(start, start + length) : text;
  }

  #copy(start: number, length: number): Uint8Array {
    const copy = new Uint8Array(length);
    this.#bytes.copy(copy, 0, start, start + length);
    return copy;
  }
}
