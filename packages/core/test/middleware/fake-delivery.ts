import type { BatchDelivery, Delivery } from '../../src/consume-types.ts';

export interface FakeDelivery extends BatchDelivery<unknown> {
  /** How often the signal was made: 0 or 1. */
  readonly signalsMade: number;
  /** As core does it when the message is lost. */
  readonly abort: (reason: unknown) => void;
}

export function fakeDelivery(id = 'm-1', changes: Partial<Omit<Delivery, 'signal'>> = {}): FakeDelivery {
  const source = new AbortController();
  let signalsMade = 0;
  return {
    message: { id, headers: {}, time: new Date(0), type: 't', source: '/s', body: new Uint8Array() },
    attempt: 1,
    redelivered: false,
    destination: 'orders',
    body: `body of ${id}`,
    ...changes,
    get signal() {
      signalsMade = 1;
      return source.signal;
    },
    get signalsMade() {
      return signalsMade;
    },
    abort: (reason) => source.abort(reason),
  };
}

export function fakeContext(): { readonly signal: AbortSignal } {
  return { signal: new AbortController().signal };
}

/** What an outcome does, in plain values; undefined: acknowledged. */
export function shown(outcome: unknown): unknown {
  if (typeof outcome !== 'object' || outcome === null) return outcome;
  const kind = Object.getOwnPropertySymbols(outcome).map((symbol) => (outcome as Record<symbol, unknown>)[symbol])[0];
  return { kind, ...Object.fromEntries(Object.entries(outcome)) };
}
