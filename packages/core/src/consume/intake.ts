import type { Received } from '../message.ts';
import { maxWaiting } from './capacity.ts';
import type { Desk } from './desk.ts';
import { Job } from './job.ts';

/** Takes a message into our hands, and puts it where it may be started from. `desk.time` is that of its arrival. */
export function admit(desk: Desk, received: Received, accepting: boolean): void {
  const job = new Job(received, clampAttempt(received.attempt), desk.time + desk.settings.leaseMs);
  desk.hand.add(job);
  if (received.redelivered === true && join(desk, job)) return;
  if (accepting) return place(desk, job);
  if (received.key !== undefined) desk.lanes.comesBack(received.key);
  desk.release(job);
}

/** Also of a delayed message that has become due; `desk.time` is now. */
export function place(desk: Desk, job: Job): void {
  const { dueAt, heldUntil, key } = job.received;
  const now = desk.time;
  if (dueAt !== undefined && dueAt > now) return waitOrHop(desk, job, dueAt, now);
  if (!desk.settings.ordered || key === undefined) return desk.toReady(job);
  job.resumeAt = heldUntil === undefined ? 0 : Math.min(heldUntil, now + desk.settings.maxHoldMs);
  const at = desk.lanes.enter(job, key);
  if (at === 'head') desk.toHead(job);
  else if (at === 'behind') job.state = 'lane';
  else desk.release(job);
}

/** The driver could not delay for so long, or so finely: the last part is waited here, anything more is another hop. */
function waitOrHop(desk: Desk, job: Job, dueAt: number, now: number): void {
  const { resolutionMs } = desk.context.limits.delay;
  if (dueAt - now <= Math.max(50, 2 * resolutionMs) && desk.waiting < maxWaiting) desk.wait(job, dueAt);
  else desk.settle(job, { kind: 'retry', dueAt, attempt: job.attempt, failure: job.failure });
}

/** True when a run of the same message is still under way here: this delivery waits for what it returns. */
function join(desk: Desk, job: Job): boolean {
  const run = desk.hand.running(job.received.id);
  if (run === undefined || run.overtaken) return false;
  if (run.joined !== undefined) forgetJoined(desk, run.joined);
  run.joined = job;
  job.joinedTo = run;
  job.state = 'joined';
  desk.context.emit({ type: 'joined', ...desk.about, id: job.received.id });
  return true;
}

/** A still later delivery has come, so this one is no longer ours. */
function forgetJoined(desk: Desk, job: Job): void {
  job.lost = true;
  job.state = 'done';
  desk.hand.remove(job);
}

/** Any producer can forge it. */
function clampAttempt(attempt: number): number {
  return Number.isInteger(attempt) && attempt >= 1 ? Math.min(attempt, 1_000_000) : 1;
}
