import type { SettleOutcome } from '../driver-interface.ts';
import { outcomeKind } from '../outcome.ts';
import {
  acknowledge,
  deadLetter,
  decideReturned,
  decideThrown,
  type Decision,
  type DecisionContext,
} from './decide.ts';
import type { Desk } from './desk.ts';
import type { ErrorSummary } from '../events.ts';
import { acknowledged, type Job } from './job.ts';

/** What a run ended with: returned, thrown, or not even begun because the body is invalid. */
export type RunResult = { readonly value: unknown } | { readonly error: unknown } | { readonly invalid: unknown };

/** A handler has returned: its message is settled, held, or, when the delivery was lost meanwhile, left to whom it went. */
export function endRun(desk: Desk, job: Job, result: RunResult | undefined): void {
  const { joined } = job;
  job.delivery = undefined;
  // Given back at the stop's deadline: what it returns now is dropped.
  if (job.state !== 'running') return;
  if (joined !== undefined) return endJoined(desk, job, joined, result);
  if (job.lost) return endLost(desk, job);
  apply(desk, job, result === undefined ? acknowledge : decide(desk, job, result));
}

/** Dead-letters a message that is not to be started any more: one that kills its process. */
export function setAside(desk: Desk, job: Job, error: unknown): void {
  apply(desk, job, deadLetter(error, contextOf(desk, job)));
}

/** The broker has confirmed a settlement, or the delivery was lost before. True when that lets another message start. */
export function settled(desk: Desk, job: Job, outcome: SettleOutcome, lost: boolean): boolean {
  desk.hand.remove(job);
  job.state = 'done';
  const { lane } = job;
  const { id } = job.received;
  if (lost) desk.context.emit({ type: 'lost', ...desk.about, id, reason: 'settled too late' });
  else desk.progressAt = desk.time;
  if (outcome.kind !== 'deadLetter') return false;
  if (!lost)
    desk.context.emit({
      type: 'dead-letter',
      ...desk.about,
      id,
      attempts: outcome.failure.attempts,
      error: reasonOf(outcome.failure),
    });
  if (lane === undefined || lane.head !== job) return false;
  if (lost) desk.drain(lane);
  desk.advance(lane);
  return true;
}

function decide(desk: Desk, job: Job, result: RunResult): Decision {
  if ('invalid' in result) return deadLetter(result.invalid, contextOf(desk, job));
  if ('error' in result) return decideThrown(result.error, contextOf(desk, job));
  return outcomeKind(result.value) === undefined ? acknowledge : decideReturned(result.value, contextOf(desk, job));
}

function contextOf(desk: Desk, job: Job): DecisionContext {
  const { retry } = desk.settings;
  return {
    retry,
    random: desk.context.random,
    now: desk.now(),
    attempt: job.attempt,
    previous: job.failure,
    ...desk.about,
  };
}

function apply(desk: Desk, job: Job, decision: Decision): void {
  const { lane } = job;
  switch (decision.kind) {
    case 'acknowledge':
      desk.settle(job, acknowledged);
      if (lane !== undefined) desk.advance(lane);
      return;
    case 'deadLetter':
      if (desk.settings.deadLetter) return desk.settle(job, decision);
      desk.context.emit({
        type: 'discarded',
        ...desk.about,
        id: job.received.id,
        attempts: decision.failure.attempts,
        error: reasonOf(decision.failure),
      });
      return apply(desk, job, acknowledge);
    case 'release':
      if (lane !== undefined) return holdOrHandOver(desk, job, decision.delayMs);
      return desk.settle(job, releaseOf(desk, job, decision.delayMs));
    case 'again':
      return again(desk, job, decision);
  }
}

/** Longer than the driver can delay: it goes by hops, as a delayed send does. */
function releaseOf(desk: Desk, job: Job, delayMs: number): SettleOutcome {
  if (delayMs <= desk.context.limits.delay.maxMs) return { kind: 'release', delayMs };
  return { kind: 'retry', dueAt: desk.now() + delayMs, attempt: job.attempt, failure: job.failure };
}

function again(
  desk: Desk,
  job: Job,
  { delayMs, attempt, failure, error }: Decision & { readonly kind: 'again' },
): void {
  desk.context.emit({ type: 'retry', ...desk.about, id: job.received.id, attempt: job.attempt, delayMs, error });
  if (job.lane === undefined) return desk.settle(job, { kind: 'retry', dueAt: desk.now() + delayMs, attempt, failure });
  job.attempt = attempt;
  job.failure = failure;
  holdOrHandOver(desk, job, delayMs);
}

/** On an ordered destination a message keeps its place: in its lane, or, when it is to be handed over, at the broker. */
function holdOrHandOver(desk: Desk, job: Job, delayMs: number): void {
  job.resumeAt = desk.now() + Math.min(delayMs, desk.settings.maxHoldMs);
  desk.hold(job);
  if (desk.isLeaving(job)) desk.handOver(job);
}

/** The delivery went to someone else: nothing to settle. What came for its key meanwhile may go on. */
function endLost(desk: Desk, job: Job): void {
  const { lane } = job;
  desk.hand.remove(job);
  job.state = 'done';
  if (lane !== undefined && lane.head === job) desk.advance(lane);
}

/** The broker delivered the message again while it ran: what the run returned counts for the new delivery. */
function endJoined(desk: Desk, job: Job, next: Job, result: RunResult | undefined): void {
  const { lane } = job;
  next.joinedTo = undefined;
  next.attempt = Math.max(next.attempt, job.attempt);
  next.failure ??= job.failure;
  next.lane = lane;
  if (lane !== undefined && lane.head === job) lane.head = next;
  const decision = result === undefined ? acknowledge : decide(desk, next, result);
  // Its signal had been aborted, so a failure says nothing about the message: it runs again, uncharged.
  if (!job.lost || decision.kind === 'acknowledge') apply(desk, next, decision);
  else if (desk.isLeaving(next)) desk.giveBack(next);
  else desk.toReady(next);
  endEarlier(desk, job, decision);
}

/** A broker that delivered twice would deliver the first again when its lease ends, if it were still ours and not settled. */
function endEarlier(desk: Desk, job: Job, decision: Decision): void {
  if (!job.lost && decision.kind === 'acknowledge') return desk.settle(job, acknowledged);
  desk.hand.remove(job);
  job.state = 'done';
}

function reasonOf(failure: { readonly name: string; readonly code?: string | undefined }): ErrorSummary {
  return failure.code === undefined ? { name: failure.name } : { name: failure.name, code: failure.code };
}
