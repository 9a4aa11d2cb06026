import type { LostReason } from '../driver-interface.ts';
import { AnymqError } from '../errors.ts';
import type { Token } from '../message.ts';
import type { Desk } from './desk.ts';
import type { Job } from './job.ts';

/** Deliveries that are no longer ours: handlers are told by their signal, what has not started is dropped. */
export function lose(desk: Desk, tokens: readonly Token[], reason: LostReason | 'overdue'): void {
  for (const token of tokens) {
    const job = desk.hand.get(token);
    if (job !== undefined && !job.lost) loseOne(desk, job, reason);
  }
}

function loseOne(desk: Desk, job: Job, reason: LostReason | 'overdue'): void {
  const { state } = job;
  job.lost = true;
  // A settlement may still answer; the settler ends it.
  if (state === 'settling') return;
  desk.context.emit({ type: 'lost', ...desk.about, id: job.received.id, reason });
  if (state === 'running') {
    desk.hand.bury(job);
    job.delivery?.abort(
      new AnymqError(
        'LEASE_LOST',
        `The delivery is no longer ours (${reason}): the broker may give the message to someone else.`,
      ),
    );
    if (job.lane !== undefined) desk.drain(job.lane);
    return;
  }
  if (state === 'waiting') desk.waiting--;
  const lane = job.lane ?? job.joinedTo?.lane;
  if (job.joinedTo !== undefined) job.joinedTo.joined = undefined;
  if (lane?.head === job) desk.leaveLane(job);
  job.state = 'done';
  // It will come again, so what follows it here must not overtake it.
  if (lane !== undefined) desk.drain(lane);
  desk.hand.remove(job);
}

/** Deliveries that the driver is about to hand over: what has not started goes back, what runs ends here. */
export function revoke(desk: Desk, tokens: readonly Token[]): void {
  for (const token of tokens) {
    const job = desk.hand.get(token);
    if (job === undefined || job.revoking) continue;
    job.revoking = true;
    if (job.state === 'held') desk.handOver(job);
    else if (job.state === 'ready' || job.state === 'waiting') desk.giveBack(job);
    else if (job.state === 'lane' && job.lane !== undefined) desk.drain(job.lane);
  }
}

/** Everything that has not started goes back at once; with `all` also what is held or waits for its time. */
export async function releaseUnstarted(desk: Desk, options: { readonly all: boolean }): Promise<void> {
  for (const job of desk.ready.takeAll()) {
    if (job.state === 'ready') desk.giveBack(job);
  }
  for (const lane of [...desk.lanes.all()]) desk.drain(lane);
  if (!options.all) return;
  await desk.recorded();
  for (const job of [...desk.hand.jobs()]) {
    if (job.state === 'held') desk.giveBack(job);
    else if (job.state === 'waiting') hopBack(desk, job);
  }
}

/** A delayed message keeps its time. */
function hopBack(desk: Desk, job: Job): void {
  desk.waiting--;
  desk.settle(job, { kind: 'retry', dueAt: job.resumeAt, attempt: job.attempt, failure: job.failure });
}

/** Handlers that run for too long at the end: their signals abort, and their messages go back, uncharged. */
export function abandonRuns(desk: Desk): void {
  const text = 'The consumer stops, and its deadline has passed: the message goes back to the broker.';
  for (const job of [...desk.hand.runs()]) {
    job.delivery?.abort(new AnymqError('ABORTED', text));
    if (job.joined !== undefined) desk.release(job.joined);
    job.joined = undefined;
    if (!job.lost && job.onAcknowledged === undefined) desk.settle(job, { kind: 'release', delayMs: 0 });
  }
}
