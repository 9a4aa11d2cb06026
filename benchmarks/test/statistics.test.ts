import { describe, expect, test } from 'vitest';
import { percentileOf, ratioOf, spreadOf } from '../src/statistics.ts';

describe('a spread', () => {
  test('is the middle, the least and the most, in any order', () => {
    expect(spreadOf([3, 1, 2])).toEqual({ median: 2, min: 1, max: 3 });
  });

  test('of an even number of values has its middle between two', () => {
    expect(spreadOf([4, 1, 2, 3])).toEqual({ median: 2.5, min: 1, max: 4 });
  });

  test('of nothing is refused', () => {
    expect(() => spreadOf([])).toThrow(RangeError);
  });
});

describe('a ratio', () => {
  test('is that of the medians, with the extremes of single rounds', () => {
    expect(ratioOf([10, 20, 30], [10, 10, 20])).toEqual({ median: 2, min: 1, max: 2 });
  });

  test('of rounds that a busy machine slowed down on both sides is narrow', () => {
    expect(ratioOf([100, 50, 100], [100, 50, 100])).toEqual({ median: 1, min: 1, max: 1 });
  });

  test('holds its own median, also where the rounds of the medians differ', () => {
    const { min, median, max } = ratioOf([1, 2, 9], [9, 2, 1]);
    expect(min).toBeLessThanOrEqual(median);
    expect(max).toBeGreaterThanOrEqual(median);
  });

  test('of sides with different rounds is refused', () => {
    expect(() => ratioOf([1], [1, 2])).toThrow(RangeError);
  });
});

describe('a percentile', () => {
  const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);

  test.each([
    [0.5, 50],
    [0.99, 99],
    [1, 100],
    [0, 1],
  ])('%d of 1 to 100 is %d', (share, expected) => {
    expect(percentileOf(hundred, share)).toBe(expected);
  });

  test('of one value is that value', () => {
    expect(percentileOf([7], 0.99)).toBe(7);
  });

  test('of nothing is refused', () => {
    expect(() => percentileOf([], 0.5)).toThrow(RangeError);
  });
});
