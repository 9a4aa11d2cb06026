import type { Inspection } from '@anymq/core';

/** What a case says that it leaves behind. */
export interface Leftovers {
  readonly backlog?: number;
  readonly inFlight?: number;
  readonly delayed?: number;
  readonly deadLetters?: number;
}

const kinds = ['backlog', 'inFlight', 'delayed', 'deadLetters'] as const;

/** What differs, or undefined. A count that the broker cannot tell (null) differs from nothing. */
export function differences(found: Inspection, expected: Leftovers = {}): string | undefined {
  const wrong = kinds.filter((kind) => found[kind].value !== null && found[kind].value !== (expected[kind] ?? 0));
  if (wrong.length === 0) return undefined;
  return wrong.map((kind) => `${kind} ${found[kind].value} instead of ${expected[kind] ?? 0}`).join(', ');
}
