import { type Clock, systemClock } from '../clock.ts';
import { AnymqError } from '../errors.ts';
import { requireKnown, requireNumber } from '../options.ts';
import { type ConsumeMiddleware, forBothKinds } from './consume-middleware.ts';
import { OwnSignal, withSignal } from './with-signal.ts';

export interface TimeoutOptions {
  /** 1 to 2,147,483,647. Of a batch: for all of it. */
  readonly afterMs: number;
  /** A success that comes so soon after the abort still counts: 0 by default, to 2,147,483,647. */
  readonly graceMs?: number | undefined;
  /** The system's by default. */
  readonly clock?: Clock | undefined;
}

/**
 * Aborts the signal of a handler that takes too long, with an error that is named 'TimeoutError' and has the code TIMEOUT.
 * Slot and lane stay taken until the handler returns. The attempt then fails with that error, whatever the handler
 * returned or threw; only what it returns within `graceMs` counts. @throws INVALID_OPTION
 */
export function timeout(options: TimeoutOptions): ConsumeMiddleware {
  requireKnown('timeout', options, ['afterMs', 'graceMs', 'clock']);
  const limits: Limits = {
    afterMs: requireNumber('afterMs', options.afterMs, { min: 1, max: 2_147_483_647 }),
    graceMs: requireNumber('graceMs', options.graceMs ?? 0, { min: 0, max: 2_147_483_647 }),
    clock: options.clock ?? systemClock,
  };
  return forBothKinds(
    (next) => (body, delivery) => {
      const own = new OwnSignal(delivery);
      return runWithin(limits, [own], () => next(body, withSignal(delivery, own)));
    },
    (next) => (deliveries, context) => {
      const whole = new OwnSignal(context);
      const members = deliveries.map((delivery) => new OwnSignal(delivery));
      const views = deliveries.map((delivery, index) => withSignal(delivery, members[index] ?? whole));
      return runWithin(limits, [whole, ...members], () => next(views, whole));
    },
  );
}

interface Limits {
  readonly afterMs: number;
  readonly graceMs: number;
  readonly clock: Clock;
}

async function runWithin<R>(limits: Limits, signals: readonly OwnSignal[], run: () => Promise<R>): Promise<R> {
  const { afterMs, graceMs, clock } = limits;
  const state: { error?: AnymqError; late: boolean } = { late: false };
  const expire = (): void => {
    state.late = true;
  };
  let timer = clock.setTimeout(() => {
    state.error = timeoutError(afterMs);
    if (graceMs === 0) expire();
    else timer = clock.setTimeout(expire, graceMs);
    for (const signal of signals) signal.abort(state.error);
  }, afterMs);
  try {
    const result = await run();
    if (!state.late) return result;
  } catch (error) {
    if (state.error === undefined) throw error;
  } finally {
    clock.clearTimeout(timer);
  }
  throw state.error ?? timeoutError(afterMs);
}

function timeoutError(afterMs: number): AnymqError {
  const message = `The handler did not return within ${afterMs} ms. Pass delivery.signal on to what it waits for, or allow more with afterMs.`;
  return new AnymqError('TIMEOUT', message, { name: 'TimeoutError' });
}
