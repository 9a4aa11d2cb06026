import type { Batcher } from './batcher.ts';
import { ended } from './send-errors.ts';
import type { SendCall, SendEntry } from './send-entry.ts';

/** Hands over an entry that ends when its signal aborts, and leaves no listener when it has ended. */
export function addWatched(batcher: Batcher, entry: SendEntry, signal: AbortSignal): void {
  const abandon = (): void =>
    batcher.abandon(entry, ended('ABORTED', 'The send was aborted by its signal.', entry.offered));
  entry.call = watched(entry.call, listen(signal, abandon));
  batcher.add(entry);
  if (signal.aborted) abandon();
}

function watched(call: SendCall, end: () => void): SendCall {
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

interface Heard {
  readonly callbacks: Set<() => void>;
  readonly onAbort: () => void;
}

const heard = new WeakMap<AbortSignal, Heard>();

/** One listener for all messages of a signal: a signal takes as long to remove one as it has of them. */
function listen(signal: AbortSignal, callback: () => void): () => void {
  const { callbacks, onAbort } = heard.get(signal) ?? hear(signal);
  callbacks.add(callback);
  return () => {
    callbacks.delete(callback);
    if (callbacks.size > 0 || heard.get(signal)?.callbacks !== callbacks) return;
    heard.delete(signal);
    signal.removeEventListener('abort', onAbort);
  };
}

function hear(signal: AbortSignal): Heard {
  const callbacks = new Set<() => void>();
  const onAbort = (): void => {
    for (const callback of callbacks) callback();
  };
  signal.addEventListener('abort', onAbort, { once: true });
  heard.set(signal, { callbacks, onAbort });
  return { callbacks, onAbort };
}
