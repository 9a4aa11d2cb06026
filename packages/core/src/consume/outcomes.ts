import type { SettleOutcome } from '../driver-interface.ts';
import { deadLetter, decide, type Decision } from './decide.ts';
import type { Desk } from './desk.ts';
import { namedFailure } from './failure.ts';
import { type Job, retryAt } from './job.ts';
import { aboutFailure, acknowledge, type RunResult } from './run-end.ts';

// What becomes of a message that was not simply handled; loaded with the first of them.
export { summaryOf } from './failure.ts';

/** Settles a message whose run has failed, or asked for something, or holds it. */
export function conclude(desk: Desk, job: Job, result: RunResult, wasAborted: boolean): void {
  const decision = decide(desk, job, result);
  if (decision.kind === 'acknowledge') return acknowledge(desk, job);
  desk.endEarlier(job, undefined);
  // Lost while it ran, and delivered again: a failure says nothing about the message, which runs again, uncharged.
  if (!wasAborted) apply(desk, job, decision);
  else if (desk.isLeaving(job)) desk.giveBack(job);
  else desk.toReady(job);
}

/** Dead-letters a message that has killed too many processes. */
export function setAside(desk: Desk, job: Job): void {
  const text = `The process ended ${job.received.crashCount} times while this message ran, the first time perhaps beside a few others.`;
  apply(desk, job, deadLetter(desk, job, namedFailure('CrashLimit', text)));
}

function apply(desk: Desk, job: Job, decision: Decision): void {
  switch (decision.kind) {
    case 'acknowledge':
      return acknowledge(desk, job);
    case 'deadLetter':
      if (desk.settings.deadLetter) return desk.settle(job, decision);
      desk.tell('discarded', job, aboutFailure(decision.failure));
      return acknowledge(desk, job);
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
