import type { SettleOutcome } from '../driver-interface.ts';
import type { ErrorSummary } from '../events.ts';
import type { FailureRecord } from '../message.ts';
import { outcomeKind } from '../outcome.ts';
import type { Desk } from './desk.ts';
import { acknowledged, type Job, released } from './job.ts';

/** What a run ended with: returned, thrown, or not even begun because the body is invalid. Undefined: it returned nothing. */
export type RunResult =
  | { readonly value: unknown }
  | { readonly error: unknown }
  | { readonly invalid: unknown }
  | undefined;

export function succeeded(result: RunResult): boolean {
  return result === undefined || ('value' in result && outcomeKind(result.value) === undefined);
}

/**
 * A handler has returned: its message is acknowledged, or concluded in another way; or, when the delivery was lost
 * meanwhile, left to whom it went; or, when it has run for too long, given back.
 */
export function endRun(desk: Desk, job: Job, conclude?: (wasAborted: boolean) => void): void {
  const wasAborted = job.delivery?.aborted !== undefined;
  job.delivery = undefined;
  // Given back at the stop's deadline: what it returns now is dropped.
  if (job.state !== 'running') return;
  if (job.lost) leaveToOthers(desk, job);
  else if (job.overran) goBack(desk, job);
  else if (conclude === undefined) acknowledge(desk, job);
  else conclude(wasAborted);
}

export function acknowledge(desk: Desk, job: Job): void {
  desk.endEarlier(job, acknowledged);
  desk.settle(job, acknowledged);
  desk.lanes?.next(job);
}

/** The delivery went to someone else: nothing to settle. What came for its key meanwhile may go on. */
function leaveToOthers(desk: Desk, job: Job): void {
  desk.endEarlier(job, released);
  desk.drop(job);
  desk.lanes?.next(job);
}

/** Its lease can be kept no longer: uncharged, with what follows it, in order. */
function goBack(desk: Desk, job: Job): void {
  desk.endEarlier(job, released);
  desk.giveBack(job);
}

/** The broker has confirmed a settlement, or the delivery was lost before. True when that lets another message start. */
export function settled(desk: Desk, job: Job, outcome: SettleOutcome, lost: boolean): boolean {
  desk.drop(job);
  if (lost) desk.tell('lost', job, { reason: 'settled too late' });
  else desk.progressAt = desk.time;
  if (outcome.kind !== 'deadLetter') return false;
  if (lost) desk.lanes?.drain(job.lane);
  else desk.tell('dead-letter', job, aboutFailure(outcome.failure));
  desk.lanes?.next(job);
  return job.lane !== undefined;
}

export function aboutFailure({ attempts, name, code }: FailureRecord): {
  readonly attempts: number;
  readonly error: ErrorSummary;
} {
  return { attempts, error: code === undefined ? { name } : { name, code } };
}
