import type { Destination } from '../destination.ts';
import { AnymqError } from '../errors.ts';
import type { SendOptions } from '../send-types.ts';
import type { SendCall } from './send-entry.ts';

/** @throws INVALID_OPTION, where the user's function fails */
export function optionsOfEach(
  bodies: readonly unknown[],
  options: (body: unknown, index: number) => SendOptions,
): readonly SendOptions[] {
  try {
    return bodies.map(options);
  } catch (error) {
    throw new AnymqError('INVALID_OPTION', 'The function that gives the options of sendMany failed.', {
      cause: error,
      outcome: 'not-sent',
    });
  }
}

/** Of a message that could not be built: as well as it can be told. */
export function keyOf(destination: Destination, body: unknown, options: SendOptions | undefined): string | undefined {
  try {
    return options?.key ?? destination.key?.(body);
  } catch {
    return undefined;
  }
}

/** A call that hears of its signal, and leaves no listener when it has ended. */
export function watch(call: SendCall, signal: AbortSignal, onAbort: () => void): SendCall {
  const end = (): void => signal.removeEventListener('abort', onAbort);
  signal.addEventListener('abort', onAbort, { once: true });
  return {
    onSent(index, receipt) {
      end();
      call.onSent(index, receipt);
    },
    onFailed(index, error) {
      end();
      call.onFailed(index, error);
    },
    get failedKeys() {
      return call.failedKeys;
    },
    set failedKeys(keys) {
      call.failedKeys = keys;
    },
  };
}
