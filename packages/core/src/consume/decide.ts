import type { ErrorSummary } from '../events.ts';
import type { FailureRecord } from '../message.ts';
import { outcomeKind, type Outcome } from '../outcome.ts';
import type { Desk } from './desk.ts';
import { failureRecord, namedFailure, summaryOf } from './failure.ts';
import type { Job } from './job.ts';
import type { RunResult } from './run-end.ts';

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

/** Each kind of outcome has some of these. */
interface Parts {
  readonly delayMs: number;
  readonly charge: boolean;
  readonly reason: string;
}

const acknowledge: Decision = { kind: 'acknowledge' };

/** Changes nothing. */
export function decide(desk: Desk, job: Job, result: RunResult): Decision {
  if (result === undefined) return acknowledge;
  if ('invalid' in result) return deadLetter(desk, job, result.invalid);
  if ('error' in result) return decideThrown(desk, job, result.error);
  const kind = outcomeKind(result.value);
  if (kind === undefined) return acknowledge;
  const { delayMs, charge, reason } = result.value as Outcome & Parts;
  if (kind === 'release') return { kind, delayMs };
  if (kind === 'reject') return deadLetter(desk, job, namedFailure('Rejected', reason));
  const error = namedFailure('RetryLater', 'The handler asked for another attempt.');
  if (charge) return decideThrown(desk, job, error, delayMs);
  return { kind: 'again', delayMs, attempt: job.attempt, failure: job.failure, error: summaryOf(error) };
}

export function deadLetter(desk: Desk, job: Job, error: unknown): Decision {
  return { kind: 'deadLetter', failure: failureRecord(error, job, desk.now(), desk.about) };
}

/** The retry policy decides; one that fails itself ends in a dead letter. */
function decideThrown(desk: Desk, job: Job, error: unknown, wishMs?: number): Decision {
  const delayMs = policyDelay(desk, job, error);
  if (delayMs === null) return deadLetter(desk, job, error);
  const failure = failureRecord(error, job, desk.now(), desk.about);
  return { kind: 'again', delayMs: wishMs ?? delayMs, attempt: job.attempt + 1, failure, error: summaryOf(error) };
}

function policyDelay(desk: Desk, { attempt, failure }: Job, error: unknown): number | null {
  const elapsedMs = failure === undefined ? 0 : desk.now() - failure.firstFailedAt;
  try {
    const delayMs = desk.settings.retry({ attempt, elapsedMs, error, random: desk.context.random });
    return typeof delayMs === 'number' && delayMs >= 0 ? Math.min(delayMs, 604_800_000) : null;
  } catch {
    return null;
  }
}
