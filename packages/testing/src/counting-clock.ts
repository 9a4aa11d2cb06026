import { systemClock, type Clock, type Timer } from '@anymq/core/driver';

/** The system's clock, which knows how many of its timers are pending. */
export interface CountingClock extends Clock {
  readonly pending: number;
}

export function createCountingClock(): CountingClock {
  const timers = new Set<Timer>();
  return {
    get pending(): number {
      return timers.size;
    },
    now: () => systemClock.now(),
    setTimeout(callback, delayMs) {
      const timer = systemClock.setTimeout(() => {
        timers.delete(timer);
        callback();
      }, delayMs);
      timers.add(timer);
      return timer;
    },
    clearTimeout(timer) {
      timers.delete(timer);
      systemClock.clearTimeout(timer);
    },
  };
}
