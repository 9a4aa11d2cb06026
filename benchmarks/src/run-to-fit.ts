import type { BenchCase } from './bench-case.ts';
import { type CaseResult, type RunnerOptions, runRounds } from './runner.ts';

/** A share of the messages that is enough to compile everything, and to tell how long the rest takes. */
const trialShare = 0.2;
/** A smaller share of the messages would measure starts and ends. */
const smallestShare = 0.1;

/**
 * A trial warms up, and tells with how many messages the rounds fit into the time; with all of them, where they do. So a
 * slower machine does less in as long, and not the same in longer.
 */
export async function runToFit(
  casesOf: (share: number) => readonly BenchCase[],
  options: RunnerOptions & { readonly withinMs: number },
): Promise<readonly CaseResult[]> {
  const { rounds, withinMs, onProgress } = options;
  const startedAt = performance.now();
  await runRounds(casesOf(trialShare), {
    ...options,
    rounds: 1,
    warmUp: 0,
    onProgress: (_, labels) => onProgress(0, labels),
  });
  const trialMs = performance.now() - startedAt;
  const leftMs = withinMs - trialMs;
  return runRounds(casesOf(fittingShare(leftMs / rounds, trialMs)), { ...options, warmUp: 0, withinMs: leftMs });
}

/** With more messages a round takes longer, at most in proportion to them. */
export function fittingShare(roundMs: number, trialMs: number): number {
  return Math.min(1, Math.max(smallestShare, (trialShare * roundMs) / trialMs));
}
