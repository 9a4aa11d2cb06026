import type { Driver } from '@anymq/core/driver';
import { wrapDriver } from './wrap-driver.ts';

/**
 * A driver that keeps delays only up to `maxMs` by itself, as a broker with a short longest delay does: whatever waits longer
 * comes back early, with its due time, and core sends it on its next hop. The due times are kept here, by id.
 */
export function shortDelays(driver: Driver, maxMs: number): Driver {
  const due = new Map<string, number>();
  const byToken = new Map<unknown, string>();
  const soonest = (dueAt: number): number => Math.min(dueAt, Date.now() + maxMs);
  return wrapDriver(driver, {
    driver: (inner) => ({ limits: { ...inner.limits, delay: { ...inner.limits.delay, maxMs } } }),
    sender: (inner) => ({
      sendBatch(messages, options) {
        for (const { id, dueAt } of messages) if (dueAt !== undefined) due.set(id, dueAt);
        const shortened = messages.map((message) =>
          message.dueAt === undefined ? message : { ...message, dueAt: soonest(message.dueAt) },
        );
        return inner.sendBatch(shortened, options);
      },
    }),
    receiver: (inner) => ({
      async receive(options) {
        const received = await inner.receive(options);
        return received.map((message) => {
          byToken.set(message.token, message.id);
          const dueAt = due.get(message.id);
          return dueAt === undefined ? message : { ...message, dueAt };
        });
      },
      settleBatch(items) {
        const shortened = items.map((item) => {
          const id = byToken.get(item.token);
          const { outcome } = item;
          if (outcome.kind === 'release')
            return { ...item, outcome: { ...outcome, delayMs: Math.min(outcome.delayMs, maxMs) } };
          if (outcome.kind !== 'retry') return item;
          if (id !== undefined) due.set(id, outcome.dueAt);
          return { ...item, outcome: { ...outcome, dueAt: soonest(outcome.dueAt) } };
        });
        return inner.settleBatch(shortened);
      },
    }),
  });
}
