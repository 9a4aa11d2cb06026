import { defineQueue } from '@anymq/core';
import type { Queue } from '@anymq/core';

/** Lanes of each destination; their names say which. */
export const lanesEach = 12;

/** How the handler fares with a message: it succeeds, fails at its first attempt, or fails always. */
export type Fate = 'good' | 'flaky' | 'poison';

export interface Work {
  readonly key: string;
  readonly sequence: number;
  readonly fate: Fate;
  /** What no log, error or trace may ever show. */
  readonly secret: string;
}

/** Marks payloads, so that what was printed can be searched for it. */
export const secretMark = 'payload-nobody-may-print';

export const plain: Queue<Work> = defineQueue<Work>('plain');
export const ordered: Queue<Work> = defineQueue<Work>('ordered', {
  key: ({ key }) => key,
  ordering: 'key',
  partitions: 4,
});

export const orderedLanes: readonly string[] = Array.from({ length: lanesEach }, (_, lane) => `ordered${lane}`);
export const plainLanes: readonly string[] = Array.from({ length: lanesEach }, (_, lane) => `plain${lane}`);

/** So many messages as are sent when so many are asked for: the same number in each lane. */
export function wholeLanes(messages: number): number {
  const lanes = orderedLanes.length + plainLanes.length;
  return Math.ceil(messages / lanes) * lanes;
}

export const maxAttempts = 3;

export function isOrdered(key: string): boolean {
  return key.startsWith('ordered');
}

export function idOf({ key, sequence }: { readonly key: string; readonly sequence: number }): string {
  return `${key}-${sequence}`;
}

/** The same for the same id in every run: one in 97 is poison, one in 13 flaky. */
export function fateOf(id: string): Fate {
  let hash = 7;
  for (const character of id) hash = (hash * 31 + character.charCodeAt(0)) % 100_003;
  if (hash % 97 === 0) return 'poison';
  return hash % 13 === 0 ? 'flaky' : 'good';
}
