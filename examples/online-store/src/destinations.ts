import { defineQueue, defineTopic, type Queue, type Topic } from '@anymq/core';
import type { Order, StockChange } from './order.ts';
import { count, record, text } from './schema.ts';

/** Who follows the stock, each with a copy of every change. */
export const groups = ['website', 'app', 'analytics'] as const;
export type Group = (typeof groups)[number];

/** Orders to be charged: one at a time for each customer, in the order in which they came in. */
export const orders: Queue<Order> = defineQueue('orders', {
  schema: record<Order>({
    id: text,
    line: count,
    customerId: text,
    sequence: count,
    date: text,
    cds: count,
    cents: count,
  }),
  key: (order) => order.customerId,
  ordering: 'key',
});

/** One message for each charged order. */
export const stockChanges: Topic<StockChange, StockChange, Group> = defineTopic('stock-changes', {
  schema: record<StockChange>({ orderId: text, customerId: text, cds: count, cents: count }),
  groups,
});
