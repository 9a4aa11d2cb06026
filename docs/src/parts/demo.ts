import { totalsOf } from '../../../examples/online-store/src/accounting.ts';
import { count, dollars } from '../../../examples/online-store/src/format.ts';
import { parseOrders } from '../../../examples/online-store/src/input.ts';
import { readSource } from '../pages.ts';

/** What the demo has to get right, counted from its input. */
export function demoTotals(): string {
  const orders = parseOrders(readSource('examples/online-store/data/cdnow-sample.txt'));
  const { cds, cents } = totalsOf(orders);
  const free = orders.filter((order) => order.cents === 0).length;
  return `The input is a public record of ${count(orders.length)} orders of a CD shop, ${count(cds)} CDs for ${dollars(cents)}. ${count(free)} of them cost $0.00.`;
}
