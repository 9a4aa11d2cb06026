import type { Driver, LostReason, Receiver, ReceiverOptions, Token } from '@anymq/core/driver';
import { wrapDriver } from './wrap-driver.ts';

export interface LosingDriver {
  readonly wrap: (driver: Driver) => Driver;
  /** Everything that was delivered and not settled goes back to the broker, and core is told. */
  lose(reason: LostReason): Promise<void>;
}

/** A driver that loses what it delivered when it is told to, as with a cut connection or an expired lease. */
export function createLosingDriver(): LosingDriver {
  const losers = new Set<(reason: LostReason) => Promise<void>>();
  return {
    wrap: (driver) =>
      wrapDriver(driver, {
        receiver(inner, options) {
          const { methods, lose } = losingReceiver(inner, options);
          losers.add(lose);
          return methods;
        },
      }),
    async lose(reason) {
      for (const lose of losers) await lose(reason);
    },
  };
}

function losingReceiver(
  inner: Receiver,
  { onLost }: ReceiverOptions,
): { readonly methods: Partial<Receiver>; readonly lose: (reason: LostReason) => Promise<void> } {
  const held = new Set<Token>();
  const gone = new Set<Token>();
  return {
    methods: {
      async receive(options) {
        const received = await inner.receive(options);
        for (const { token } of received) held.add(token);
        return received;
      },
      async settleBatch(items) {
        const real = items.filter(({ token }) => !gone.has(token));
        for (const { token } of real) held.delete(token);
        const settled = real.length === 0 ? [] : await inner.settleBatch(real);
        return items.map((item) => settled[real.indexOf(item)] ?? { ok: false, reason: 'lost' });
      },
    },
    async lose(reason) {
      const tokens = [...held];
      held.clear();
      for (const token of tokens) gone.add(token);
      // Told first: one that came again before that would keep its run, which is ours by the new delivery.
      onLost(tokens, reason);
      await inner.settleBatch(tokens.map((token) => ({ token, outcome: { kind: 'release', delayMs: 0 } })));
    },
  };
}
