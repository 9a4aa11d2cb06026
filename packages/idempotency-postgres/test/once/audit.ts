import type { Entry } from './journal.ts';

export interface Findings {
  /** Keys without an effect. */
  readonly missing: readonly string[];
  /** Keys with more effects than there can be: one, and one for each run that was cut off before its completion. */
  readonly repeated: readonly string[];
  /** Keys whose handler started after a confirmed completion. */
  readonly startedAfterCompletion: readonly string[];
  /** Keys with two handlers at once, although neither process had been killed nor its claim lost. */
  readonly twoAtOnce: readonly string[];
}

/** What the journal says of a proof with `idempotent`. Entries of the worker itself, as 'killed', have its name for a key. */
export function audit(
  keys: readonly string[],
  entries: readonly Entry[],
  effects: ReadonlyMap<string, number>,
): Findings {
  const killedAt = new Map<string, number>();
  for (const [at, { worker, event }] of entries.entries()) if (event === 'killed') killedAt.set(worker, at);
  const byKey = Map.groupBy(
    entries.map((entry, at) => ({ ...entry, at })),
    ({ key }) => key,
  );
  const about = (key: string): readonly Placed[] => byKey.get(key) ?? [];
  return {
    missing: keys.filter((key) => (effects.get(key) ?? 0) === 0),
    repeated: keys.filter((key) => (effects.get(key) ?? 0) > 1 + cutOff(about(key), killedAt)),
    startedAfterCompletion: keys.filter((key) => startsAfterCompletion(about(key))),
    twoAtOnce: keys.filter((key) => overlaps(about(key), killedAt)),
  };
}

type Placed = Entry & { readonly at: number };

/**
 * Runs whose process was killed before it could note a completion, runs whose claim was lost, and those of whose completion
 * the store has not answered to the end.
 */
function cutOff(entries: readonly Placed[], killedAt: ReadonlyMap<string, number>): number {
  const lost = entries.filter(({ event }) => event === 'lost').length;
  const last = new Map(entries.map((entry) => [entry.worker, entry.event]));
  const cut = [...last].filter(([worker, event]) => event === 'unanswered' || isCut(event, killedAt.has(worker)));
  return lost + cut.length;
}

function isCut(last: Entry['event'], wasKilled: boolean): boolean {
  return wasKilled && last !== 'completed';
}

function startsAfterCompletion(entries: readonly Placed[]): boolean {
  const completed = entries.findIndex(({ event }) => event === 'completed');
  return completed !== -1 && entries.slice(completed).some(({ event }) => event === 'start');
}

function overlaps(entries: readonly Placed[], killedAt: ReadonlyMap<string, number>): boolean {
  const losers = new Set(entries.filter(({ event }) => event === 'lost').map(({ worker }) => worker));
  const open = new Set<string>();
  for (const { worker, event, at } of entries) {
    if (event === 'end') open.delete(worker);
    if (event !== 'start') continue;
    const others = [...open].filter((other) => (killedAt.get(other) ?? Infinity) > at && !losers.has(other));
    if (others.length > 0) return true;
    open.add(worker);
  }
  return false;
}
