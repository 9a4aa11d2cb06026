import { expect, test } from 'vitest';
import { fuzz, problemOf } from '../src/fuzz/fuzz.ts';
import { regressions } from '../src/fuzz/regressions.ts';
import { fuzzTargets } from '../src/fuzz/targets.ts';

test.each(fuzzTargets)('$name reads 1,500 inputs of strangers', { timeout: 60_000 }, (target) => {
  expect(fuzz(target, 1500, 20_261_122).findings).toEqual([]);
});

test.each(regressions)('$target reads what it did not read before (seed $seed)', ({ target, seed }) => {
  const found = fuzzTargets.find(({ name }) => name === target);
  expect(found && problemOf(found, seed)).toBeUndefined();
});

test('a decoder that throws, and one that changes a prototype, are found out, with the seed that repeats it', () => {
  const throws = {
    name: 'a',
    tryOne: (random: () => number) => {
      if (random() < 0.1) throw new Error('found');
    },
  };
  const [finding] = fuzz(throws, 1000, 7).findings;
  expect(finding?.problem).toContain('found');
  expect(problemOf(throws, finding?.seed ?? 0)).toContain('found');
  const prototype: object = Object.prototype;
  const pollutes = {
    name: 'b',
    tryOne: () => void Reflect.defineProperty(prototype, 'polluted', { configurable: true }),
  };
  expect(problemOf(pollutes, 1)).toBe('changed a prototype');
  Reflect.deleteProperty(prototype, 'polluted');
});
