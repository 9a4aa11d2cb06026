import { expect, test } from 'vitest';
import { randomId } from '../../src/produce/random-id.ts';

test('ids are random UUIDs of version 4, also past the end of the pool', () => {
  const ids = Array.from({ length: 2000 }, () => randomId());
  expect(new Set(ids).size).toBe(2000);
  for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});

test('every digit that may vary takes every value', () => {
  const ids = Array.from({ length: 2000 }, () => randomId());
  for (const place of [...Array(36).keys()].filter((index) => ![8, 13, 14, 18, 19, 23].includes(index))) {
    expect(new Set(ids.map((id) => id[place])).size).toBe(16);
  }
});
