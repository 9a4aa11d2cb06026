import { AnymqError } from '../errors.ts';
import type { Desk } from './desk.ts';
import { released, retryAt } from './job.ts';

/** Everything that has not started goes back at once; with `all` also what is held or waits for its time. */
export async function releaseUnstarted(desk: Desk, all: boolean): Promise<void> {
  for (const job of desk.ready.takeAll()) if (job.state === 'ready') desk.giveBack(job);
  desk.lanes?.drainAll();
  if (!all) return;
  await desk.lanes?.recorded;
  for (const job of desk.jobs()) {
    if (job.state === 'held') desk.giveBack(job);
    // A delayed message keeps its time.
    else if (job.state === 'waiting') desk.settle(job, retryAt(job, job.resumeAt));
  }
}

/** Handlers that run for too long at the end: their signals abort, and their messages go back, uncharged. */
export function abandonRuns(desk: Desk): void {
  const text = 'The consumer stops, and its deadline has passed: the message goes back to the broker.';
  for (const job of desk.runs()) {
    job.delivery?.abort(new AnymqError('ABORTED', text));
    desk.endEarlier(job, released);
    if (!job.lost && job.onAcknowledged === undefined) desk.settle(job, released);
  }
}
