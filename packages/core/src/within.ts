import { sleep, type Clock } from './clock.ts';

/**
 * What the work resolves with; undefined after `ms`, or as soon as the signal aborts: then the work goes on unobserved.
 * Rejects as the work does.
 */
export async function within<T>(
  clock: Clock,
  ms: number,
  work: Promise<T>,
  signal?: AbortSignal,
): Promise<T | undefined> {
  const done = new AbortController();
  const giveUp = signal === undefined ? done.signal : AbortSignal.any([signal, done.signal]);
  try {
    return await Promise.race([work, sleep(clock, ms, giveUp)]);
  } finally {
    done.abort();
  }
}
