import { sleep } from '../clock.ts';
import type { WatchOptions } from '../dead-letter-types.ts';
import { AnymqError } from '../errors.ts';
import type { Count } from '../inspection.ts';
import type { DeadLetterContext } from './context.ts';
import { stopSignal, StoreSession } from './store-session.ts';

/**
 * Counts now and then every `everyMs`, and alerts when the threshold is reached, and again only after it was below. What
 * fails, in the store or in `alert`, goes to `onTrouble`, and the watch goes on. Leaves no timer when it ends. The options
 * have been checked.
 */
export function watch(
  context: DeadLetterContext,
  { everyMs = 60_000, threshold = 1, signal }: WatchOptions,
  alert: (count: Count) => void,
): void {
  void poll(context, stopSignal(context, signal), everyMs, alarm(threshold, alert));
}

async function poll(
  context: DeadLetterContext,
  stop: AbortSignal,
  everyMs: number,
  tell: (count: Count) => unknown,
): Promise<void> {
  const onError = (error: unknown): unknown => context.onTrouble('watch', error);
  while (!stop.aborted) {
    try {
      const count = await countLetters(context, stop);
      if (!stop.aborted) Promise.resolve(tell(count)).catch(onError);
    } catch (error) {
      if (!stop.aborted) onError(error);
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
