import {
  exponential,
  idempotent,
  reject,
  type Client,
  type Consumer,
  type Delivery,
  type IdempotencyStore,
  type Producer,
} from '@anymq/core';
import type { Books } from './books.ts';
import { orders, stockChanges } from './destinations.ts';
import { GatewayError, type PaymentGateway } from './gateway.ts';
import type { Order, StockChange } from './order.ts';

/** Why an order is not accepted; undefined: it is. */
export type Rule = (order: Order) => string | undefined;

export const refuseFreeOrders: Rule = (order) => (order.cents === 0 ? 'nothing to charge for $0.00' : undefined);
/** The same shop, a day later: an order of $0.00 is a free sample. */
export const acceptFreeSamples: Rule = () => undefined;

export interface BillingTools {
  readonly client: Client;
  readonly gateway: PaymentGateway;
  readonly books: Books;
  readonly idempotency: IdempotencyStore;
}

/** One who charges orders. Any number may work at once: the queue gives each customer to one of them at a time. */
export interface Worker extends Readonly<Work> {
  readonly consumer: Consumer;
}
interface Work {
  readonly name: string;
  /** Orders that it is working on. */
  inHand: number;
  charged: number;
}

export class BillingOffice {
  /** May be mended while workers run. */
  rule: Rule = refuseFreeOrders;
  readonly #tools: BillingTools;
  readonly #publisher: Producer<StockChange>;

  constructor(tools: BillingTools) {
    this.#tools = tools;
    this.#publisher = tools.client.producer(stockChanges);
  }

  hire(name: string): Worker {
    const { client, idempotency } = this.#tools;
    const work = { name, inHand: 0, charged: 0 };
    const options = {
      concurrency: 32,
      retry: { maxAttempts: 10, backoff: exponential({ initialMs: 5, maxMs: 50 }) },
      use: [idempotent({ store: idempotency })],
    };
    const consumer = client.consumer(orders, options, async (order, delivery) => {
      const refusal = this.rule(order);
      if (refusal !== undefined) return reject(refusal);
      return this.#charge(order, delivery, work);
    });
    return Object.assign(work, { consumer });
  }

  /** Returns: done for good. Throws: the order comes again. */
  async #charge(order: Order, { attempt, signal }: Delivery, work: Work): Promise<void> {
    work.inHand += 1;
    try {
      await this.#collect(order, attempt, signal);
      work.charged += 1;
      await this.#publisher.send(toStockChange(order), { id: order.id, signal });
    } finally {
      work.inHand -= 1;
    }
  }

  async #collect(order: Order, attempt: number, signal: AbortSignal): Promise<void> {
    const { gateway, books } = this.#tools;
    try {
      await gateway.charge({ orderId: order.id, cents: order.cents, attempt, signal });
    } catch (error) {
      if (error instanceof GatewayError) books.enterFailedAttempt(order.id, attempt);
      throw error;
    }
    books.enterCharge(order);
  }
}

function toStockChange({ id, customerId, cds, cents }: Order): StockChange {
  return { orderId: id, customerId, cds, cents };
}
