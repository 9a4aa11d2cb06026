/** A pending timer of a `Clock`. Opaque. */
export type Timer = unknown;

/** Time as the library sees it. Everything that waits does so through one of these, so that a test can drive it. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Calls back once, after `delayMs` (0 to 2,147,483,647). */
  setTimeout(callback: () => void, delayMs: number): Timer;
  /** Of a timer that has fired or was cleared: does nothing. */
  clearTimeout(timer: Timer): void;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  setTimeout: (callback, delayMs) => setTimeout(callback, delayMs),
  clearTimeout: (timer) => clearTimeout(timer as NodeJS.Timeout),
};

/** Never set back or forward, whatever happens to the clock of the machine: for leases, which are no points in time. */
export const steadyClock: Clock = { ...systemClock, now: () => performance.timeOrigin + performance.now() };

/** Resolves after `delayMs`; when the signal aborts, at once. Never rejects and leaves no timer or listener. */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<undefined> {
  if (signal?.aborted === true) return Promise.resolve(undefined);
  return new Promise((resolve) => {
    const finish = (): void => {
      clock.clearTimeout(timer);
      signal?.removeEventListener('abort', finish);
      resolve(undefined);
    };
    const timer = clock.setTimeout(finish, delayMs);
    signal?.addEventListener('abort', finish, { once: true });
  });
}
