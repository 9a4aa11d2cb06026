/** One order of the store, as it travels through the queue. */
export interface Order {
  /** `order-` and the line; also the message's id, so that a duplicate can be told. */
  readonly id: string;
  /** Where it stands in the input, from 1. */
  readonly line: number;
  readonly customerId: string;
  /** Which of its customer's orders it is, from 1: what the billing side checks the order by. */
  readonly sequence: number;
  /** YYYY-MM-DD */
  readonly date: string;
  readonly cds: number;
  /** Whole US cents: sums of dollars as floating point numbers would be off by some. */
  readonly cents: number;
}

/** What a charged order means for those who show, sell and count the stock. */
export interface StockChange {
  readonly orderId: string;
  readonly customerId: string;
  readonly cds: number;
  readonly cents: number;
}

/** The order of real days: by date, and within a day as in the input. Numbers each customer's orders from 1. */
export function inOrderOfDate(orders: readonly Omit<Order, 'sequence'>[]): readonly Order[] {
  const counts = new Map<string, number>();
  const numbered: Order[] = [];
  for (const order of orders.toSorted((a, b) => compare(a.date, b.date))) {
    const sequence = (counts.get(order.customerId) ?? 0) + 1;
    counts.set(order.customerId, sequence);
    numbered.push({ ...order, sequence });
  }
  return numbered;
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
