import { sleep, type Clock } from './clock.ts';

/** Resolves when the work has ended, or after `ms`: then the work goes on unobserved. Rejects as the work does. */
export async function within(clock: Clock, ms: number, work: Promise<unknown>): Promise<void> {
  const done = new AbortController();
  try {
    await Promise.race([work, sleep(clock, ms, done.signal)]);
  } finally {
    done.abort();
  }
}
