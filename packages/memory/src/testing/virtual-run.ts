import { AnymqError } from '@anymq/core';
import type { VirtualClock } from '../virtual-clock.ts';
import type { Activity } from './activity.ts';

export interface VirtualRunOptions {
  readonly clock: VirtualClock;
  readonly activity: Activity;
  /** Virtual time that may pass. */
  readonly withinMs: number;
}

/**
 * Lets a program on a virtual clock go on until `isDone`: waits for handlers that run, and when nothing but time can bring
 * it further, goes to the next timer. Rejects with TIMEOUT when `withinMs` have passed, or nothing is left to happen.
 */
export async function runUntil(isDone: () => boolean | Promise<boolean>, options: VirtualRunOptions): Promise<void> {
  const { clock, activity, withinMs } = options;
  const deadline = clock.now() + withinMs;
  for (;;) {
    await clock.advance(0);
    if (activity.isRunning) {
      await activity.changed();
    } else {
      if (await isDone()) return;
      await goOn(clock, deadline);
    }
  }
}

/** The result of `work`, while time goes on as `work` needs it. */
export async function driven<T>(work: Promise<T>, options: VirtualRunOptions): Promise<T> {
  let isSettled = false;
  const settle = (): void => {
    isSettled = true;
    options.activity.signal();
  };
  work.then(settle, settle);
  await runUntil(() => isSettled, options);
  return work;
}

async function goOn(clock: VirtualClock, deadline: number): Promise<void> {
  const next = clock.nextTimerAt;
  if (next === undefined || next > deadline) {
    const reason = next === undefined ? 'no timer is set that could change it' : 'the virtual time for it has passed';
    throw new AnymqError(
      'TIMEOUT',
      `Messages still wait, and ${reason}. Has every destination a consumer, and does every handler end at some time?`,
    );
  }
  await clock.advance(next - clock.now());
}
