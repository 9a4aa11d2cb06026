import { UsageError } from './arguments.ts';
import type { BenchCase, Labels } from './bench-case.ts';

/** The cases that have all of these words among their labels. @throws UsageError when there is none */
export function choose(cases: readonly BenchCase[], only: readonly string[]): readonly BenchCase[] {
  const chosen = cases.filter(({ labels }) => only.every((word) => wordsOf(labels).includes(word)));
  if (chosen.length > 0) return chosen;
  const words = [...new Set(cases.flatMap(({ labels }) => wordsOf(labels)))];
  throw new UsageError(`No case has all of the labels '${only.join(' ')}'. There are: ${words.join(', ')}.`);
}

export function wordsOf({ on, operation, codec, variant }: Labels): readonly string[] {
  return [...on.split(' '), operation, codec, variant];
}
