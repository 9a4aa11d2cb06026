import { Ledger } from './accounting.ts';
import { Bell } from './bell.ts';
import { groups, type Group } from './destinations.ts';
import type { Order, StockChange } from './order.ts';

/** Everything that is counted during a run. What is counted is what was done: nothing here asks the broker. */
export class Books {
  /** Rings at every entry. */
  readonly bell: Bell = new Bell();
  readonly charged: Ledger = new Ledger();
  readonly groups: Readonly<Record<Group, Ledger>> = ledgers();
  /** Orders that came out of order within their customer. */
  readonly violations: Order[] = [];
  readonly deadLetters: Set<string> = new Set();
  readonly #expectedAgain = new Set<string>();
  readonly #failedAttempts = new Set<string>();
  readonly #lastSequence = new Map<string, number>();
  #sent = 0;
  #redriven = 0;
  #duplicates = 0;

  get sent(): number {
    return this.#sent;
  }
  /** Failed attempts, each counted once, however often the broker delivered it. */
  get retried(): number {
    return this.#failedAttempts.size;
  }
  get redriven(): number {
    return this.#redriven;
  }
  get duplicates(): number {
    return this.#duplicates;
  }
  /** Orders that are done with for now: charged, or in the dead-letter queue. Of use until the redrive. */
  get handled(): number {
    return this.charged.size + this.deadLetters.size;
  }

  enterSent(orders: number): void {
    this.#sent += orders;
    this.bell.ring();
  }

  enterFailedAttempt(orderId: string, attempt: number): void {
    this.#failedAttempts.add(`${orderId}#${attempt}`);
    this.bell.ring();
  }

  /** An order that was charged is charged for good: a second time changes nothing, and is counted as a duplicate. */
  enterCharge(order: Order): void {
    if (!this.charged.enter(order.id, order)) return this.enterDuplicate();
    this.#checkSequence(order);
    this.bell.ring();
  }

  enterStockChange(group: Group, change: StockChange): void {
    if (!this.groups[group].enter(change.orderId, change)) return this.enterDuplicate();
    this.bell.ring();
  }

  enterDeadLetter(orderId: string): void {
    this.deadLetters.add(orderId);
    this.bell.ring();
  }

  /** Before the redrive: from here on these orders come in again. */
  expectRedriven(orderIds: readonly string[]): void {
    for (const id of orderIds) this.#expectedAgain.add(id);
  }

  expectsRedriven(orderId: string): boolean {
    return this.#expectedAgain.has(orderId);
  }

  enterRedriven(orders: number): void {
    this.#redriven += orders;
    this.bell.ring();
  }

  enterDuplicate(): void {
    this.#duplicates += 1;
    this.bell.ring();
  }

  /** A redriven order comes after its customer's later ones, by its nature. */
  #checkSequence(order: Order): void {
    if (this.expectsRedriven(order.id)) return;
    const last = this.#lastSequence.get(order.customerId) ?? 0;
    if (order.sequence < last) this.violations.push(order);
    this.#lastSequence.set(order.customerId, Math.max(last, order.sequence));
  }
}

function ledgers(): Record<Group, Ledger> {
  return Object.fromEntries(groups.map((group) => [group, new Ledger()])) as Record<Group, Ledger>;
}
