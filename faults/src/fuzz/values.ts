/** Everything that is chosen comes from these numbers, so that a seed repeats a case. */
export type Random = () => number;

export function pick<T>(random: Random, items: readonly T[]): T {
  return items[Math.floor(random() * items.length)] as T;
}

export function upTo(random: Random, most: number): number {
  return Math.floor(random() * (most + 1));
}

export function several<T>(random: Random, most: number, make: () => T): T[] {
  return Array.from({ length: upTo(random, most) }, make);
}

const nasty = [
  '',
  ' ',
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  'then',
  'a\r\nX-Injected: 1',
  '\0',
  '\uFEFF',
  '\uD800',
  '\uDC00lone',
  'ünïcödé ☃ 𝔘',
  '%00%ff%',
  '${HOME}',
  '-0',
  '1e999',
  '-1',
  'NaN',
  'Infinity',
  '9007199254740993',
  '18446744073709551615',
  '2026-02-30T25:61:61Z',
  '2026-11-22T00:00:00.000Z',
  '+275760-09-13T00:00:00.001Z',
  'null',
  '[]',
  '{}',
  '{"__proto__":{"polluted":true}}',
  '{"constructor":{"prototype":{"polluted":true}}}',
  '"',
  '{"attempts":1e308,"firstFailedAt":-1,"lastFailedAt":1e17,"name":{},"message":[]}',
] as const;

export function anyText(random: Random): string {
  const kind = random();
  if (kind < 0.6) return pick(random, nasty);
  if (kind < 0.9) return several(random, 24, () => String.fromCharCode(upTo(random, 0xffff))).join('');
  if (kind < 0.995) return anyJson(random);
  return pick(random, nasty)
    .repeat(1 + upTo(random, 4096))
    .slice(0, 65_536);
}

function anyJson(random: Random): string {
  const depth = upTo(random, random() < 0.02 ? 20_000 : 6);
  const [open, close] = pick(random, [
    ['[', ']'],
    ['{"a":', '}'],
    ['{"__proto__":', '}'],
  ] as const);
  const inside = pick(random, ['1', '"x"', 'null', '', '1e400', 'tru']);
  return open.repeat(depth) + inside + close.repeat(random() < 0.8 ? depth : upTo(random, depth));
}

export function anyBytes(random: Random): Buffer {
  return random() < 0.6 ? Buffer.from(anyText(random)) : Buffer.from(several(random, 40, () => upTo(random, 255)));
}

const values: readonly ((random: Random) => unknown)[] = [
  anyText,
  anyBytes,
  (random) => (random() - 0.5) * 10 ** upTo(random, 308),
  (random) => pick(random, [0, -0, NaN, Infinity, -Infinity, 2 ** 53, 1, -1, 8.64e15, 1e18]),
  (random) => BigInt(upTo(random, 1e9)),
  (random) => random() < 0.5,
  () => null,
  () => undefined,
  () => Symbol('symbol'),
  () => () => 'function',
  (random) => new Date(pick(random, [0, NaN, 8.64e15, -8.64e15])),
  () => Object.create(null) as object,
  () => JSON.parse('{"__proto__":{"polluted":true}}') as unknown,
  (random) => ({ '!': 'timestamp', value: pick(random, [0, -1, 2 ** 62, NaN]) }),
  cycle,
  () => ({
    toJSON() {
      throw new Error('toJSON');
    },
    toString() {
      throw new Error('toString');
    },
  }),
];

/** What a client library might hand out, and more than any does. */
export function anyValue(random: Random, depth = 0): unknown {
  const kind = random();
  if (depth > 3 || kind < 0.8) return pick(random, values)(random);
  if (kind < 0.9) return several(random, 4, () => anyValue(random, depth + 1));
  return Object.fromEntries(several(random, 4, () => [anyText(random), anyValue(random, depth + 1)]));
}

function cycle(): unknown {
  const loop: unknown[] = [];
  loop.push(loop, { loop });
  return loop;
}

/** Some of the list's members are replaced, doubled, left out or put elsewhere. */
export function disturb<T>(random: Random, list: readonly T[], other: () => T): T[] {
  return list.flatMap((item) => {
    const kind = random();
    if (kind < 0.7) return [item];
    if (kind < 0.85) return [other()];
    if (kind < 0.92) return [item, item];
    return kind < 0.97 ? [] : [other(), item];
  });
}
