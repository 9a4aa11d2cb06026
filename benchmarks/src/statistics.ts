/** The middle of several rounds, and how far they lie apart. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/**
 * Of two sides measured in the same rounds: the ratio of their medians, and the smallest and largest ratio of one round. As
 * both sides of a round met the same machine, that spread is narrower than that of either side.
 *
 * @throws RangeError without rounds, or when one side has more of them
 */
export function ratioOf(ours: readonly number[], theirs: readonly number[]): Spread {
  if (ours.length !== theirs.length) throw new RangeError('Both sides of a ratio need the same rounds.');
  const ratios = spreadOf(ours.map((value, round) => value / (theirs[round] as number)));
  const median = spreadOf(ours).median / spreadOf(theirs).median;
  return { median, min: Math.min(ratios.min, median), max: Math.max(ratios.max, median) };
}

/** The smallest value that this share (0 to 1) of all values does not exceed. @throws RangeError without values */
export function percentileOf(values: readonly number[], share: number): number {
  const sorted = values.toSorted((left, right) => left - right);
  const value = sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
  if (value === undefined) throw new RangeError('There is no percentile of no values.');
  return value;
}

/** Of an even number of values the median is halfway between the two in the middle. @throws RangeError without values */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((left, right) => left - right);
  const lower = sorted[Math.floor((sorted.length - 1) / 2)];
  const upper = sorted[Math.ceil((sorted.length - 1) / 2)];
  const min = sorted[0];
  const max = sorted.at(-1);
  if (lower === undefined || upper === undefined || min === undefined || max === undefined) {
    throw new RangeError('There is no median of no values.');
  }
  return { median: (lower + upper) / 2, min, max };
}
