import type { SettleOutcome } from '../driver-interface.ts';
import type { ErrorSummary } from '../events.ts';
import type { FailureRecord } from '../message.ts';
import { acknowledge, decide, type Decision, type RunResult } from './decide.ts';
import type { Desk } from './desk.ts';
import { acknowledged, type Job, released, retryAt } from './job.ts';

/** A handler has returned: its message is settled, held, or, when the delivery was lost meanwhile, left to whom it went. */
export function endRun(desk: Desk, job: Job, result: RunResult | undefined): void {
  const wasAborted = job.delivery?.aborted !== undefined;
  job.delivery = undefined;
  // Given back at the stop's deadline: what it returns now is dropped.
  if (job.state !== 'running') return;
  if (job.lost) return leaveToOthers(desk, job);
  const decision = decide(desk, job, result);
  const isGood = decision.kind === 'acknowledge';
  desk.endEarlier(job, isGood ? acknowledged : undefined);
  // Lost while it ran, and delivered again: a failure says nothing about the message, which runs again, uncharged.
  if (wasAborted && !isGood) again(desk, job);
  else apply(desk, job, decision);
}

/** The delivery went to someone else: nothing to settle. What came for its key meanwhile may go on. */
function leaveToOthers(desk: Desk, job: Job): void {
  desk.endEarlier(job, released);
  desk.drop(job);
  desk.lanes?.next(job);
}

function again(desk: Desk, job: Job): void {
  if (desk.isLeaving(job)) desk.giveBack(job);
  else desk.toReady(job);
}

export function apply(desk: Desk, job: Job, decision: Decision): void {
  switch (decision.kind) {
    case 'acknowledge':
      desk.settle(job, acknowledged);
      desk.lanes?.next(job);
      return;
    case 'deadLetter':
      if (desk.settings.deadLetter) return desk.settle(job, decision);
      desk.tell('discarded', job, aboutFailure(decision.failure));
      return apply(desk, job, acknowledge);
    case 'release':
      return job.lane === undefined
        ? desk.settle(job, releaseOf(desk, job, decision.delayMs))
        : desk.lanes?.hold(job, decision.delayMs);
    case 'again': {
      const { delayMs, attempt, failure, error } = decision;
      desk.tell('retry', job, { attempt: job.attempt, delayMs, error });
      job.attempt = attempt;
      job.failure = failure;
      if (job.lane === undefined) desk.settle(job, retryAt(job, desk.now() + delayMs));
      else desk.lanes?.hold(job, delayMs);
    }
  }
}

/** Longer than the driver can delay: it goes by hops, as a delayed send does. */
function releaseOf(desk: Desk, job: Job, delayMs: number): SettleOutcome {
  if (delayMs <= desk.context.limits.delay.maxMs) return { kind: 'release', delayMs };
  return retryAt(job, desk.now() + delayMs);
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

function aboutFailure({ attempts, name, code }: FailureRecord): {
  readonly attempts: number;
  readonly error: ErrorSummary;
} {
  return { attempts, error: code === undefined ? { name } : { name, code } };
}
