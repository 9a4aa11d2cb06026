import type { FailureRecord } from './message.ts';

const maxAttempt = 1_000_000;
const maxAheadMs = 8 * 24 * 60 * 60 * 1000;
const maxFailureChars = 262_144; // JSON escapes may take six characters for one
const maxNameChars = 256;
const maxTextChars = 12_288;
const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * A foreign value as a string, by one rule on every broker: numbers and booleans as JavaScript prints them, a date as
 * ISO 8601, bytes as UTF-8 where they are valid UTF-8 and as base64 otherwise, repeats joined by ', ', nothing as '',
 * anything else as JSON ('[object]' where JSON cannot hold it). Total.
 */
export function foreignText(value: unknown, depth = 0): string {
  switch (typeof value) {
    case 'string':
      return value;
    case 'number':
    case 'bigint':
    case 'boolean':
      return String(value);
    case 'object':
      return foreignObject(value, depth);
    default:
      return '';
  }
}

function foreignObject(value: object | null, depth: number): string {
  if (value === null) return '';
  if (value instanceof Uint8Array) return foreignBytes(value);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? '' : value.toISOString();
  if (Array.isArray(value) && depth < 8) return value.map((item) => foreignText(item, depth + 1)).join(', ');
  try {
    return JSON.stringify(value) ?? '';
  } catch {
    return '[object]'; // a cycle, a bigint, or too deep
  }
}

function foreignBytes(bytes: Uint8Array): string {
  try {
    return strictUtf8.decode(bytes);
  } catch {
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
  }
}

/** From 1 to 1,000,000, whole; 1 for what is no number. */
export function readAttempt(text: string): number {
  return Math.max(1, clampCount(text));
}

function clampCount(value: unknown): number {
  const number = Math.floor(Number(value));
  return Number.isNaN(number) ? 0 : Math.min(maxAttempt, Math.max(0, number));
}

/** Milliseconds since 1970, at most 8 days after `nowMs`; undefined for what is no time. */
export function readDue(text: string, nowMs: number): number | undefined {
  const atMs = readMs(text);
  return atMs === undefined ? undefined : Math.min(atMs, nowMs + maxAheadMs);
}

/** Undefined for what is no finite number from 0. */
export function readMs(value: unknown): number | undefined {
  const number = typeof value === 'string' && value.trim() === '' ? NaN : Number(value);
  return Number.isFinite(number) && number >= 0 ? number : undefined;
}

/** 0 to 9; undefined for what is no number. */
export function readPriority(text: string): number | undefined {
  const number = text.trim() === '' ? NaN : Math.floor(Number(text));
  return Number.isNaN(number) ? undefined : Math.min(9, Math.max(0, number));
}

let lastTimeText = '';
let lastTimeMs = 0;

/** Of an RFC 3339 time. Undefined for anything else: `Date.parse` alone takes 'foo 1'. */
export function readTime(text: string): number | undefined {
  if (text === lastTimeText) return lastTimeMs;
  const atMs = /^\d{4}-\d\d-\d\d[Tt ]\d\d:/.test(text) ? Date.parse(text) : NaN;
  if (Number.isNaN(atMs)) return undefined;
  lastTimeText = text;
  lastTimeMs = atMs;
  return atMs;
}

let lastIsoMs = NaN;
let lastIso = '';

/** Messages come in bunches of one millisecond, and `toISOString` costs more than the rest of the encoding. */
export function writeTime(atMs: number): string {
  if (atMs !== lastIsoMs) {
    lastIso = new Date(atMs).toISOString();
    lastIsoMs = atMs;
  }
  return lastIso;
}

/** Bounded, because anyone can forge one; undefined for what is no record. */
export function readFailure(text: string, nowMs: number): FailureRecord | undefined {
  const record = text.length > maxFailureChars ? undefined : parseObject(text);
  if (record === undefined) return undefined;
  const { name, code, message, stack, attempts, firstFailedAt, lastFailedAt, destination, group } = record;
  return {
    name: cut(name, maxNameChars) ?? 'Error',
    code: cut(code, maxNameChars),
    message: cut(message, maxTextChars) ?? '',
    stack: cut(stack, maxTextChars),
    attempts: clampCount(attempts),
    firstFailedAt: failureTime(firstFailedAt, nowMs),
    lastFailedAt: failureTime(lastFailedAt, nowMs),
    destination: cut(destination, maxNameChars) ?? '',
    group: cut(group, maxNameChars),
  };
}

/** Cut as `readFailure` cuts, so that what is written can be read. */
export function writeFailure(record: FailureRecord): string {
  const { name, code, message, stack, destination, group } = record;
  return JSON.stringify({
    ...record,
    name: cut(name, maxNameChars),
    code: cut(code, maxNameChars),
    message: cut(message, maxTextChars),
    stack: cut(stack, maxTextChars),
    destination: cut(destination, maxNameChars),
    group: cut(group, maxNameChars),
  });
}

function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : undefined;
  } catch {
    return undefined;
  }
}

function cut(value: unknown, maxChars: number): string | undefined {
  return typeof value === 'string' ? value.slice(0, maxChars) : undefined;
}

function failureTime(value: unknown, nowMs: number): number {
  const atMs = typeof value === 'number' ? readMs(value) : undefined;
  return atMs === undefined ? nowMs : Math.min(atMs, nowMs + maxAheadMs);
}
