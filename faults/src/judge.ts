import type { Confirmed, Effect, Entry } from './ledger.ts';

/** What the dead letters say, as far as the judge asks. */
export interface Letter {
  readonly id: string;
  /** Milliseconds of the wall clock. */
  readonly lastFailedAt: number;
}

export interface Evidence {
  readonly entries: readonly Entry[];
  readonly letters: readonly Letter[];
  /** Whether its handler always fails: a dead letter is then right, and an effect impossible. */
  readonly isPoison: (id: string) => boolean;
  /** Whether the effects of a lane have to come in the order of its sequence. */
  readonly isOrdered: (key: string) => boolean;
  /** What a fault may take: a queue that was deleted takes what was in it. Default: nothing. */
  readonly mayBeLost?: (entry: Confirmed) => boolean;
}

/** Ids, so that a bad verdict can be looked into. Only duplicates are allowed, since delivery is at least once. */
export interface Verdict {
  readonly confirmed: number;
  readonly effects: number;
  /** Confirmed, and neither effect nor dead letter. */
  readonly lost: readonly string[];
  /** An effect more than one of the same id, or a second dead letter; one entry for each. */
  readonly duplicated: readonly string[];
  /** First effects that came after one of a later place in their lane. */
  readonly outOfOrder: readonly string[];
  /** Effects after the dead letter of the same id. */
  readonly afterDeath: readonly string[];
  /** Dead letters of messages whose handler would have succeeded. */
  readonly wronglyDead: readonly string[];
}

/** Pure: the same evidence has the same verdict. */
export function judge(evidence: Evidence): Verdict {
  const confirmed = evidence.entries.filter((entry) => entry.what === 'confirmed');
  const effects = evidence.entries.filter((entry) => entry.what === 'effect');
  return {
    confirmed: new Set(confirmed.map(({ id }) => id)).size,
    effects: effects.length,
    lost: pending(evidence),
    duplicated: [...repeated(effects), ...repeated(evidence.letters)],
    outOfOrder: outOfOrder(effects.filter(({ key }) => evidence.isOrdered(key))),
    afterDeath: afterDeath(effects, evidence.letters),
    wronglyDead: evidence.letters.map(({ id }) => id).filter((id) => !evidence.isPoison(id)),
  };
}

/** Those that are confirmed and have come to nothing yet: in the end, they are lost. */
export function pending({ entries, letters, mayBeLost = () => false }: Evidence): readonly string[] {
  const arrived = new Set(letters.map(({ id }) => id));
  for (const { what, id } of entries) if (what === 'effect') arrived.add(id);
  const confirmed = entries.filter((entry) => entry.what === 'confirmed');
  const missing = confirmed.filter((entry) => !arrived.has(entry.id) && !mayBeLost(entry));
  return [...new Set(missing.map(({ id }) => id))];
}

function repeated(entries: readonly { readonly id: string }[]): readonly string[] {
  const seen = new Set<string>();
  return entries.flatMap(({ id }) => (seen.size === seen.add(id).size ? [id] : []));
}

function outOfOrder(effects: readonly Effect[]): readonly string[] {
  const furthest = new Map<string, number>();
  const seen = new Set<string>();
  return effects.flatMap(({ id, key, sequence }) => {
    if (seen.size === seen.add(id).size) return [];
    const before = furthest.get(key) ?? -1;
    furthest.set(key, Math.max(before, sequence));
    return sequence < before ? [id] : [];
  });
}

function afterDeath(effects: readonly Effect[], letters: readonly Letter[]): readonly string[] {
  const died = new Map(letters.map(({ id, lastFailedAt }) => [id, lastFailedAt]));
  return effects.filter(({ id, at }) => at > (died.get(id) ?? Infinity)).map(({ id }) => id);
}
