import { type Address, physicalName } from '@anymq/core/driver';

/** The topics and the group of a queue, or of one group of a topic. */
export interface Names {
  /** What is sent to. */
  readonly main: string;
  /** Kafka's group, whose offsets say what was handled. */
  readonly group: string;
  /** What comes again: without a due time, or within a second of it. */
  readonly retry: string;
  readonly dead: string;
  /** Where what waits for longer stands, by the tier's length. */
  readonly tier: (delayMs: number) => string;
}

export function namesOf(namespace: string, address: Address): Names {
  const main = physicalName(namespace, { name: address.name, physical: address.physical });
  const group = physicalName(namespace, address);
  return {
    main,
    group,
    retry: `${group}_retry`,
    dead: `${group}_dead`,
    tier: (delayMs) => `${group}_retry-${tierName(delayMs)}`,
  };
}

const units = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'm'],
  [1000, 's'],
] as const;

/** '5s', '15m'. */
function tierName(delayMs: number): string {
  const [unit, letter] = units.find(([length]) => delayMs % length === 0) ?? [1, 'ms'];
  return `${delayMs / unit}${letter}`;
}

/** The longest tier that does not overshoot; undefined: what is left is waited out in the retry topic. */
export function tierFor(tiers: readonly number[], waitMs: number): number | undefined {
  return tiers.findLast((tierMs) => tierMs <= waitMs);
}
