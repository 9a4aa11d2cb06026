import { describe, expect, test } from 'vitest';
import { judge, pending } from '../src/judge.ts';
import type { Evidence, Letter } from '../src/judge.ts';
import type { Entry } from '../src/ledger.ts';

let now = 0;
const confirmed = (id: string): Entry => ({ what: 'confirmed', ...parts(id), sentAt: now, at: now++ });
const effect = (id: string): Entry => ({ what: 'effect', ...parts(id), at: now++, attempt: 1, process: 1 });
const letter = (id: string): Letter => ({ id, lastFailedAt: now++ });

const clean = { lost: [], duplicated: [], outOfOrder: [], afterDeath: [], wronglyDead: [] };

describe('the judge finds', () => {
  test('nothing where everything confirmed has one effect or, being poison, one dead letter', () => {
    const entries = [confirmed('a-0'), effect('a-0'), confirmed('a-1'), confirmed('a-2'), effect('a-2')];
    const verdict = judge(evidence(entries, [letter('a-1')], { isPoison: (id) => id === 'a-1' }));
    expect(verdict).toEqual({ confirmed: 3, effects: 2, ...clean });
  });

  test('what is lost, once, however often it was confirmed', () => {
    const entries = [confirmed('a-0'), confirmed('a-0'), confirmed('a-1'), effect('a-1')];
    expect(judge(evidence(entries))).toEqual({ confirmed: 2, effects: 1, ...clean, lost: ['a-0'] });
    expect(pending(evidence(entries))).toEqual(['a-0']);
  });

  test('no loss in what the fault may take, and none in what was never confirmed', () => {
    const entries = [confirmed('a-0'), effect('b-0'), confirmed('a-1')];
    const found = judge(evidence(entries, [], { mayBeLost: ({ at }) => at <= (entries[0]?.at ?? 0) }));
    expect(found.lost).toEqual(['a-1']);
  });

  test('each effect too many, and a second dead letter', () => {
    const entries = [confirmed('a-0'), effect('a-0'), effect('a-0'), effect('a-0'), confirmed('a-1')];
    const found = judge(evidence(entries, [letter('a-1'), letter('a-1')]));
    expect(found.duplicated).toEqual(['a-0', 'a-0', 'a-1']);
  });

  test('what comes first after a later one of its lane, and not what comes again', () => {
    const entries = ['a-0', 'a-2', 'a-1', 'b-0', 'a-2', 'a-3', 'b-1', 'a-0'].flatMap((id) => [
      confirmed(id),
      effect(id),
    ]);
    expect(judge(evidence(entries)).outOfOrder).toEqual(['a-1']);
    expect(judge(evidence(entries, [], { isOrdered: () => false })).outOfOrder).toEqual([]);
  });

  test('an effect after the dead letter, and none in an effect before it', () => {
    const entries = [confirmed('a-0'), effect('a-0'), confirmed('a-1')];
    const letters = [letter('a-0'), letter('a-1')];
    const found = judge(evidence([...entries, effect('a-1')], letters));
    expect(found.afterDeath).toEqual(['a-1']);
  });

  test('an innocent that was dead-lettered', () => {
    const found = judge(
      evidence([confirmed('a-0'), confirmed('a-1')], [letter('a-0'), letter('a-1')], {
        isPoison: (id) => id === 'a-0',
      }),
    );
    expect(found.wronglyDead).toEqual(['a-1']);
    expect(found.lost).toEqual([]);
  });
});

function evidence(
  entries: readonly Entry[],
  letters: readonly Letter[] = [],
  others: Partial<Evidence> = {},
): Evidence {
  return { entries, letters, isPoison: () => true, isOrdered: () => true, ...others };
}

function parts(id: string) {
  const [key = '', sequence] = id.split('-');
  return { id, key, sequence: Number(sequence) };
}
