import type { ErrorSummary } from '../events.ts';
import type { FailureRecord } from '../message.ts';
import { outcomeKind, type Outcome } from '../outcome.ts';
import type { RetryPolicy } from '../retry-policy.ts';
import { failureRecord, namedFailure, summaryOf } from './failure.ts';

/** What becomes of a message after a run, whatever its driver and its place. */
export type Decision =
  | { readonly kind: 'acknowledge' }
  | {
      readonly kind: 'again';
      readonly delayMs: number;
      readonly attempt: number;
      readonly failure: FailureRecord | undefined;
      readonly error: ErrorSummary;
    }
  | { readonly kind: 'release'; readonly delayMs: number }
  | { readonly kind: 'deadLetter'; readonly failure: FailureRecord };

export interface DecisionContext {
  readonly retry: RetryPolicy;
  readonly random: () => number;
  readonly now: number;
  readonly attempt: number;
  readonly previous: FailureRecord | undefined;
  readonly destination: string;
  readonly group: string | undefined;
}

export const acknowledge: Decision = { kind: 'acknowledge' };

/** Of what a handler returned. Pure. */
export function decideReturned(value: unknown, context: DecisionContext): Decision {
  const kind = outcomeKind(value);
  if (kind === undefined) return acknowledge;
  const outcome = value as Outcome & { readonly delayMs: number; readonly charge: boolean; readonly reason: string };
  if (kind === 'release') return { kind, delayMs: outcome.delayMs };
  if (kind === 'reject') return deadLetter(namedFailure('Rejected', outcome.reason), context);
  const error = namedFailure('RetryLater', 'The handler asked for another attempt.');
  if (outcome.charge) return decideThrown(error, context, outcome.delayMs);
  return {
    kind: 'again',
    delayMs: outcome.delayMs,
    attempt: context.attempt,
    failure: context.previous,
    error: summaryOf(error),
  };
}

/** Of what a handler threw: the retry policy decides; a policy that fails itself ends in a dead letter. Pure, as the policy is. */
export function decideThrown(error: unknown, context: DecisionContext, wishMs?: number): Decision {
  const delayMs = policyDelay(error, context);
  if (delayMs === null) return deadLetter(error, context);
  return {
    kind: 'again',
    delayMs: wishMs ?? delayMs,
    attempt: context.attempt + 1,
    failure: record(error, context),
    error: summaryOf(error),
  };
}

export function deadLetter(error: unknown, context: Omit<DecisionContext, 'retry' | 'random'>): Decision {
  return { kind: 'deadLetter', failure: record(error, context) };
}

function record(
  error: unknown,
  { previous, attempt, now, destination, group }: Omit<DecisionContext, 'retry' | 'random'>,
): FailureRecord {
  return failureRecord(error, { previous, attempts: attempt, now, destination, group });
}

function policyDelay(error: unknown, { retry, random, now, attempt, previous }: DecisionContext): number | null {
  try {
    const delayMs = retry({
      attempt,
      elapsedMs: previous === undefined ? 0 : now - previous.firstFailedAt,
      error,
      random,
    });
    return typeof delayMs === 'number' && delayMs >= 0 ? Math.min(delayMs, 604_800_000) : null;
  } catch {
    return null;
  }
}
