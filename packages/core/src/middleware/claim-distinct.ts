import type { ClaimResult } from './idempotency-store.ts';

/** For stores that are to be asked for a key once in a call: where it comes twice, and becomes ours, the second is busy. */
export async function claimDistinct(
  keys: readonly string[],
  leaseMs: number,
  claim: (distinct: readonly string[]) => Promise<readonly ClaimResult[]>,
): Promise<readonly ClaimResult[]> {
  const distinct = [...new Set(keys)];
  const answers = await claim(distinct);
  if (distinct.length === keys.length) return answers;
  const byKey = new Map(distinct.map((key, n) => [key, answers[n] as ClaimResult]));
  return keys.map((key) => {
    const answer = byKey.get(key) as ClaimResult;
    if (answer.state === 'claimed') byKey.set(key, { state: 'busy', retryInMs: leaseMs });
    return answer;
  });
}
