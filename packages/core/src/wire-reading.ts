import type { FailureRecord, Headers, Token } from './message.ts';
import { foreignText, readAttempt, readDue, readFailure, readMs, readPriority, readTime } from './wire-values.ts';
import type { WireFallback, WireMessage } from './wire.ts';

export const libraryPrefix = 'anymq-';
export const attributes = ['specversion', 'id', 'source', 'type', 'time', 'partitionkey', 'datacontenttype'] as const;
export const libraryFields = [
  'anymq-version',
  'anymq-attempt',
  'anymq-due',
  'anymq-priority',
  'anymq-expires',
  'anymq-failure',
] as const;
export type Field = (typeof attributes)[number] | (typeof libraryFields)[number] | 'content-type';
export const known: ReadonlySet<string> = new Set<string>([...attributes, ...libraryFields]);
const noHeaders: Headers = Object.freeze({});
const noTime: Date = new Date(NaN);
const noBytes = new Uint8Array(0);

/** What was read of one message so far; in the end the answer itself, so that reading costs one object. */
export class Reading implements WireMessage {
  token: Token = '';
  body: Uint8Array = noBytes;
  crashCount = 0;
  suspect: boolean | undefined = undefined;
  redelivered: boolean | undefined = undefined;
  heldUntil: number | undefined = undefined;
  partition: number | undefined = undefined;
  id = '';
  key: string | undefined = undefined;
  headers: Record<string, string> | Headers = noHeaders;
  time: Date = noTime;
  type = '';
  source = '';
  contentType: string | undefined = undefined;
  extensions: Record<string, string> | undefined = undefined;
  attempt = 0;
  dueAt: number | undefined = undefined;
  priority: number | undefined = undefined;
  expiresAt: number | undefined = undefined;
  failure: FailureRecord | undefined = undefined;

  /** Takes what this library writes first in every message, in one go. Returns how many fields that were: 0 of other programs. */
  takeOwn(fields: readonly unknown[], own: readonly string[]): number {
    for (let index = 0; index < own.length; index += 1) if (fields[2 * index] !== own[index]) return 0;
    // By index: destructuring would go through an iterator, for every message.
    const id = fields[3];
    const source = fields[5];
    const type = fields[7];
    const time = fields[9];
    if (typeof id !== 'string' || typeof source !== 'string' || typeof type !== 'string' || typeof time !== 'string')
      return 0;
    this.id = id;
    this.source = source;
    this.type = type;
    this.#takeTime(time);
    return 2 * own.length;
  }

  take(field: Field, raw: unknown, nowMs: number): void {
    const text = typeof raw === 'string' ? raw : foreignText(raw);
    switch (field) {
      case 'specversion':
      case 'anymq-version':
        return;
      case 'id':
        this.id ||= text;
        return;
      case 'source':
        this.source ||= text;
        return;
      case 'type':
        this.type ||= text;
        return;
      case 'time':
        if (this.time === noTime) this.#takeTime(text);
        return;
      case 'partitionkey':
        this.key ??= text;
        return;
      case 'content-type':
      case 'datacontenttype':
        this.contentType ||= text;
        return;
      case 'anymq-attempt':
        this.attempt ||= readAttempt(text);
        return;
      case 'anymq-due':
        this.dueAt ??= readDue(text, nowMs);
        return;
      case 'anymq-priority':
        this.priority ??= readPriority(text);
        return;
      case 'anymq-expires':
        this.expiresAt ??= readMs(text);
        return;
      case 'anymq-failure':
        this.failure ??= readFailure(text, nowMs);
    }
  }

  takeOther(name: string, raw: unknown, prefixes: readonly string[], headerPrefix: string): void {
    const text = foreignText(raw);
    const prefix = prefixOf(name, prefixes);
    if (prefix !== undefined) this.#putExtension(name.slice(prefix.length), text);
    else if (name.startsWith(libraryPrefix)) this.#putExtension(name, text);
    else if (name.length === 12 && name.toLowerCase() === 'content-type') this.contentType ||= text;
    else this.#putHeader(name.startsWith(headerPrefix) ? name.slice(headerPrefix.length) : name, text);
  }

  finish(fallback: WireFallback): WireMessage {
    this.id ||= fallback.id;
    this.type ||= fallback.type;
    this.source ||= fallback.source;
    this.key ??= fallback.key;
    this.contentType ||= fallback.contentType;
    this.attempt ||= 1;
    if (this.time === noTime) this.time = new Date(isTime(fallback.timeMs) ? fallback.timeMs : fallback.nowMs);
    return this;
  }

  #takeTime(text: string): void {
    const atMs = readTime(text);
    if (atMs !== undefined) this.time = new Date(atMs);
  }

  #putHeader(name: string, text: string): void {
    const headers = this.headers === noHeaders ? {} : this.headers;
    this.headers = headers;
    const earlier = Object.hasOwn(headers, name) ? headers[name] : undefined;
    put(headers, name, earlier === undefined ? text : `${earlier}, ${text}`);
  }

  #putExtension(name: string, text: string): void {
    this.extensions ??= {};
    if (!Object.hasOwn(this.extensions, name)) put(this.extensions, name, text);
  }
}

/** A broker hands on what any producer gave for its time, and an invalid date could never be written again. */
function isTime(atMs: number): boolean {
  return Math.abs(atMs) <= 8.64e15;
}

function prefixOf(name: string, prefixes: readonly string[]): string | undefined {
  for (const prefix of prefixes)
    if (prefix !== '' && name.length > prefix.length && name.startsWith(prefix)) return prefix;
  return undefined;
}

/** A header may be called `__proto__`, which assignment would take for the prototype. */
function put(target: Record<string, string> | Headers, name: string, value: string): void {
  if (name === '__proto__')
    Object.defineProperty(target, name, { value, enumerable: true, configurable: true, writable: true });
  else (target as Record<string, string>)[name] = value;
}
