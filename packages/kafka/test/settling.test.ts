import type { WireMessage } from '@anymq/core/driver';
import { expect, test } from 'vitest';
import { Delivery } from '../src/delivery.ts';
import type { Holdings } from '../src/holdings.ts';
import type { Entry } from '../src/partition-log.ts';
import { Settling, type SettlingContext } from '../src/settling.ts';
import { logOf } from './support/fakes.ts';

/** One partition with one delivery that is out, and what its holder hears. */
function holding(): { delivery: Delivery; out: Set<Delivery>; settledAt: number[]; settling: Settling } {
  const log = logOf();
  const record = { offset: '0', timestamp: '1000', key: null, value: Buffer.from('x') };
  log.append({ partition: 0, errorCode: 0, highWatermark: '1', messages: [record] });
  const delivery = new Delivery(log.take(0, Infinity) as Entry, {} as WireMessage);
  const out = new Set([delivery]);
  const settledAt: number[] = [];
  const holdings: Partial<Holdings> = {
    commit: async () => undefined,
    forget: (each: Delivery) => out.delete(each),
    onSettled: () => void settledAt.push(out.size),
    isRetreating: false,
  };
  const settling = new Settling({ holdings: holdings as Holdings, isOrdered: false } as SettlingContext);
  return { delivery, out, settledAt, settling };
}

test('a partition that is about to leave hears of what goes back unseen', () => {
  const { delivery, out, settledAt, settling } = holding();
  settling.putBack([delivery]);
  expect([out.size, settledAt]).toEqual([0, [0]]);
});

test('what was lost with its topic is not waited for any more', async () => {
  const { delivery, out, settledAt, settling } = holding();
  delivery.entry.log.isLost = true;
  const [result] = await settling.settle([{ token: delivery, outcome: { kind: 'acknowledge' } }]);
  expect(result).toEqual({ ok: false, reason: 'lost' });
  expect([out.size, settledAt]).toEqual([0, [0]]);
});
