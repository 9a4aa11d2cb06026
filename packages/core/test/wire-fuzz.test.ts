import { isDeepStrictEqual } from 'node:util';
import { expect, test } from 'vitest';
import type { OutgoingMessage } from '../src/message.ts';
import { createWireFormat, type WireMessage } from '../src/wire.ts';

const nowMs = Date.UTC(2026, 5, 1);
const fallback = { id: 'broker', timeMs: nowMs, nowMs, source: '/b', type: 't' };
const wires = [
  createWireFormat({ attributePrefix: 'ce_' }),
  createWireFormat({ attributePrefix: 'cloudEvents_', alsoReadPrefixes: ['cloudEvents:'] }),
  createWireFormat({ attributePrefix: 'ce_', headerPrefix: 'h:' }),
];
const fieldNames = [
  'specversion',
  'id',
  'source',
  'type',
  'time',
  'partitionkey',
  'subject',
  'datacontenttype',
  '__proto__',
  '',
];
const libraryNames = ['attempt', 'due', 'failure', 'priority', 'expires', 'version', '', 'new'].map(
  (name) => `anymq-${name}`,
);
const otherNames = ['content-type', 'CONTENT-TYPE', 'traceparent', 'toString', 'constructor', 'hasOwnProperty'];
const prefixes = ['ce_', 'cloudEvents_', 'cloudEvents:', 'h:', ''];
const names = [
  ...prefixes.flatMap((prefix) => fieldNames.map((name) => prefix + name)),
  ...libraryNames,
  ...otherNames,
];

/** mulberry32 */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

function createGenerator(next: () => number) {
  const below = (count: number): number => Math.floor(next() * count);
  const pick = <T>(items: readonly T[]): T => items[below(items.length)] as T;
  const text = (): string =>
    Array.from({ length: below(12) }, () => String.fromCharCode(below(pick([128, 0x1_00_00])))).join('');
  const bytes = (): Uint8Array => Uint8Array.from({ length: below(12) }, () => below(256));
  const number = (): number => pick([0, -1, 1.5, NaN, Infinity, -Infinity, 1e300, below(100), nowMs, 2 ** 53]);
  const cyclic = (): object => {
    const value: Record<string, unknown> = { n: 1 };
    value['self'] = value;
    return value;
  };
  const simple = (): unknown => pick([text, number, () => null, () => [text()], () => ({ a: number() })])();
  const failure = (): string =>
    JSON.stringify({
      name: simple(),
      message: simple(),
      stack: simple(),
      attempts: simple(),
      firstFailedAt: simple(),
      lastFailedAt: simple(),
      group: simple(),
    });
  const plain = (): unknown =>
    pick([
      text,
      bytes,
      number,
      failure,
      () => null,
      () => undefined,
      () => BigInt(below(9)),
      () => new Date(number()),
      () => next() < 0.5,
      () => Symbol('s'),
      () => text,
      () => '2026-01-01T00:00:00Z',
    ])();
  function value(depth: number): unknown {
    if (depth > 4 || next() < 0.8) return depth > 0 ? pick([text, number, () => null])() : plain();
    return pick([
      () => Array.from({ length: below(4) }, () => value(depth + 1)),
      () => ({ [text()]: value(depth + 1) }),
      cyclic,
    ])();
  }
  const fields = (): unknown[] =>
    Array.from({ length: below(40) }, (_, index) =>
      index % 2 === 0 && next() < 0.9 ? pick([...names, text()]) : value(0),
    );
  return { fields, text, below, next };
}

/** Other than unknown fields that stand where the library's own belong. */
function kept({ extensions: _extensions, ...read }: WireMessage): object {
  return { ...read };
}

function isValid(read: WireMessage): boolean {
  const { attempt, dueAt, priority, expiresAt, failure } = read;
  return (
    Number.isInteger(attempt) &&
    attempt >= 1 &&
    attempt <= 1_000_000 &&
    (dueAt === undefined || (dueAt >= 0 && dueAt <= nowMs + 8 * 86_400_000)) &&
    (priority === undefined || (Number.isInteger(priority) && priority >= 0 && priority <= 9)) &&
    (expiresAt === undefined || (Number.isFinite(expiresAt) && expiresAt >= 0)) &&
    (failure === undefined ||
      (Number.isInteger(failure.attempts) && failure.firstFailedAt >= 0 && failure.lastFailedAt >= 0)) &&
    !Number.isNaN(read.time.getTime()) &&
    [read.id, read.type, read.source].every((text) => typeof text === 'string' && text !== '') &&
    [read.headers, read.extensions ?? {}].every((texts) =>
      Object.values(texts).every((text) => typeof text === 'string'),
    )
  );
}

test(
  '50,000 foreign messages are all read, and what was read can be written and read again',
  { timeout: 60_000 },
  () => {
    const { fields } = createGenerator(random(20_261_122));
    const failed: unknown[] = [];
    for (let round = 0; round < 50_000; round += 1) {
      const wire = wires[round % wires.length] as (typeof wires)[0];
      const foreign = fields();
      const read = wire.decode(foreign, fallback);
      const { attempt, dueAt, failure } = read;
      const again = wire.decode(wire.encode({ ...read }, { attempt, dueAt, failure }), fallback);
      if (!isValid(read) || !isDeepStrictEqual(kept(read), kept(again))) failed.push({ round, read, again });
    }
    expect(failed).toEqual([]);
    expect(Object.prototype).not.toHaveProperty('n');
  },
);

test('5,000 messages with any text arrive as they were sent', () => {
  const { text, below, next } = createGenerator(random(7));
  for (let round = 0; round < 5000; round += 1) {
    const headers = Object.fromEntries(Array.from({ length: below(5) }, () => [`x${text()}`, text()]));
    const message: OutgoingMessage = {
      id: `i${text()}`,
      headers,
      time: new Date(below(2 ** 41)),
      type: `t${text()}`,
      source: `s${text()}`,
      body: new Uint8Array(0),
      ...(next() < 0.5 ? { key: text() } : {}),
    };
    const wire = wires[round % wires.length] as (typeof wires)[0];
    const read = wire.decode(wire.encode(message), fallback);
    expect({ ...read }).toMatchObject({
      id: message.id,
      type: message.type,
      source: message.source,
      time: message.time,
      key: message.key,
    });
    expect(Object.entries(read.headers)).toEqual(Object.entries(headers));
  }
});
