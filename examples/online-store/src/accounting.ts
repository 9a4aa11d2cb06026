import { counted, dollars } from './format.ts';
import type { Order } from './order.ts';

export interface Totals {
  readonly orders: number;
  readonly cds: number;
  readonly cents: number;
}
interface Entry {
  readonly cds: number;
  readonly cents: number;
}

/** Counted straight from the input, before anything is sent. */
export function totalsOf(entries: Iterable<Entry>): Totals {
  let [orders, cds, cents] = [0, 0, 0];
  for (const entry of entries) {
    orders += 1;
    cds += entry.cds;
    cents += entry.cents;
  }
  return { orders, cds, cents };
}

/** What one party has counted, each order once. */
export class Ledger {
  readonly #entries = new Map<string, Entry>();

  get size(): number {
    return this.#entries.size;
  }

  /** False: the order is in already, and stays as it was. */
  enter(orderId: string, { cds, cents }: Entry): boolean {
    if (this.#entries.has(orderId)) return false;
    this.#entries.set(orderId, { cds, cents });
    return true;
  }

  has(orderId: string): boolean {
    return this.#entries.has(orderId);
  }

  totals(): Totals {
    return totalsOf(this.#entries.values());
  }

  /** Line by line: what is missing, differs, or belongs to no order. Empty when all of it fits. */
  differencesFrom(orders: readonly Order[]): readonly string[] {
    const unknown = new Set(this.#entries.keys());
    const differences: string[] = [];
    for (const order of orders) {
      unknown.delete(order.id);
      const difference = compare(this.#entries.get(order.id), order);
      if (difference !== undefined) differences.push(`line ${order.line}: ${difference}`);
    }
    return [...differences, ...[...unknown].map((id) => `'${id}' is no order of the input`)];
  }
}

function compare(entry: Entry | undefined, order: Order): string | undefined {
  if (entry === undefined) return `the order is missing`;
  if (entry.cds === order.cds && entry.cents === order.cents) return undefined;
  return `counted as ${describe(entry)}, but the file has ${describe(order)}`;
}

function describe({ cds, cents }: Entry): string {
  return `${counted(cds, 'CD')} for ${dollars(cents)}`;
}
