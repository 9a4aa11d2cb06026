import { sleep } from '../clock.ts';
import type { WatchOptions } from '../dead-letter-types.ts';
import { AnymqError } from '../errors.ts';
import type { Count } from '../inspection.ts';
import { invalidOption, requireKnown, requireNumber } from '../options.ts';
import { type DeadLetterContext, requireGoing, stopSignal, StoreSession } from './store-session.ts';

/**
 * Counts now and then every `everyMs`, and alerts when the threshold is reached, and again only after it was below. What
 * fails, in the store or in `alert`, goes to `onWatchError`, and the watch goes on. Leaves no timer when it ends.
 * @throws INVALID_OPTION, CLOSED
 */
export function watch(context: DeadLetterContext, options: WatchOptions, alert: (count: Count) => void): void {
  requireKnown('watch', options, ['everyMs', 'threshold', 'signal']);
  const everyMs = requireNumber('everyMs', options.everyMs ?? 60_000, { min: 10, max: 2_147_483_647 });
  const threshold = requireNumber('threshold', options.threshold ?? 1, { min: 1, integer: true });
  if (typeof alert !== 'function')
    throw invalidOption('watch needs a function that is told: watch(options, (count) => …).');
  const stop = stopSignal(context, options.signal);
  if (context.signal.aborted) requireGoing(context, stop);
  void poll(context, stop, everyMs, alarm(threshold, alert));
}

async function poll(
  context: DeadLetterContext,
  stop: AbortSignal,
  everyMs: number,
  tell: (count: Count) => unknown,
): Promise<void> {
  while (!stop.aborted) {
    try {
      const count = await countLetters(context, stop);
      if (!stop.aborted) Promise.resolve(tell(count)).catch(context.onWatchError);
    } catch (error) {
      if (!stop.aborted) context.onWatchError(error);
    }
    await sleep(context.clock, everyMs, stop);
  }
}

/** @throws UNSUPPORTED: the broker cannot say. */
function alarm(threshold: number, alert: (count: Count) => unknown): (count: Count) => unknown {
  let wasReached = false;
  return (count) => {
    if (count.value === null)
      throw new AnymqError(
        'UNSUPPORTED',
        'This broker cannot count dead letters, so they cannot be watched. List them instead.',
      );
    const crossed = !wasReached && count.value >= threshold;
    wasReached = count.value >= threshold;
    return crossed ? alert(count) : undefined;
  };
}

export async function countLetters(context: DeadLetterContext, signal?: AbortSignal): Promise<Count> {
  const session = await StoreSession.open(context, signal);
  try {
    return await session.read((store) => store.count());
  } finally {
    await session.close();
  }
}
