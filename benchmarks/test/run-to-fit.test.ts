import { expect, test } from 'vitest';
import { fittingShare } from '../src/run-to-fit.ts';

test('all messages are sent where a round of them fits', () => {
  expect(fittingShare(20_000, 2000)).toBe(1);
});

test('fewer are sent where they take too long, and not too few', () => {
  expect(fittingShare(10_000, 4000)).toBe(0.5);
  expect(fittingShare(100, 4000)).toBe(0.1);
  expect(fittingShare(-1, 4000)).toBe(0.1);
});
