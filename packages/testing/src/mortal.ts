import type { Driver } from '@anymq/core/driver';
import { wrapDriver } from './wrap-driver.ts';

export interface Mortal {
  readonly driver: Driver;
  /** From now on nothing that its client does has any effect: as if the process were gone. */
  die(): void;
}

/**
 * The code of a killed process still runs here, in the suite's own. So that it ends soon and does nothing more, whatever the
 * harness's driver answers after its crash, calls are cut off before they reach it.
 */
export function mortal(inner: Driver): Mortal {
  let dead = false;
  const gone = (): Promise<never> => Promise.reject(new Error('this process is dead'));
  const orGone =
    <Args extends readonly unknown[], T>(call: (...args: Args) => Promise<T>) =>
    (...args: Args): Promise<T> =>
      dead ? gone() : call(...args);
  const driver = wrapDriver(inner, {
    driver: () => ({
      openSender: orGone((to) => opened.openSender(to)),
      openReceiver: orGone((from, options) => opened.openReceiver(from, options)),
      openDeadLetters: orGone((of) => opened.openDeadLetters(of)),
      classifyError: (error) => (dead ? { code: 'CLOSED', retryable: false } : inner.classifyError(error)),
    }),
  });
  const opened = wrapDriver(inner, {
    sender: (sender) => ({ sendBatch: orGone((messages, options) => sender.sendBatch(messages, options)) }),
    receiver: (receiver) => ({
      receive: (options) =>
        dead
          ? aborted(options.signal)
          : receiver.receive(options).catch((error: unknown) => (dead ? [] : Promise.reject(error as Error))),
      extendLease: async (tokens) => (dead ? undefined : receiver.extendLease(tokens)),
      settleBatch: async (items) =>
        dead ? items.map(() => ({ ok: false, reason: 'lost' }) as const) : receiver.settleBatch(items),
    }),
    deadLetters: (store) => ({
      page: orGone((cursor, options) => store.page(cursor, options)),
      requeue: orGone((refs) => store.requeue(refs)),
      remove: orGone((refs) => store.remove(refs)),
    }),
  });
  return {
    driver,
    die() {
      dead = true;
    },
  };
}

async function aborted(signal: AbortSignal): Promise<[]> {
  if (!signal.aborted)
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
  return [];
}
