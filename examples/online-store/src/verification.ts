import type { Ledger } from './accounting.ts';
import type { Books } from './books.ts';
import { groups } from './destinations.ts';
import { counted, shorten } from './format.ts';
import type { Order } from './order.ts';

interface Party {
  readonly name: string;
  readonly ledger: Ledger;
}

export function allDone(books: Books, orders: readonly Order[]): boolean {
  return parties(books).every(({ ledger }) => ledger.size >= orders.length);
}

/** For whom a run waits in vain: who has not counted which lines. */
export function stillMissing(books: Books, orders: readonly Order[]): string {
  const parts = parties(books).flatMap(({ name, ledger }) => {
    const lines = orders.filter(({ id }) => !ledger.has(id)).map(({ line }) => String(line));
    const which = `line${lines.length === 1 ? '' : 's'} ${shorten(lines, 5).join(', ')}`;
    return lines.length === 0 ? [] : [`${name} lacks ${counted(lines.length, 'order')} (${which})`];
  });
  return `${parts.join('; ')}.`;
}

/** What speaks against the run, by line of the input; empty when every order went everywhere, once and in order. */
export function problems(books: Books, orders: readonly Order[]): readonly string[] {
  const differences = parties(books).flatMap(({ name, ledger }) =>
    ledger.differencesFrom(orders).map((difference) => `${name}: ${difference}`),
  );
  const violations = books.violations.map(
    ({ line, customerId }) => `billing: line ${line}: charged after a later order of customer ${customerId}`,
  );
  return [...differences, ...violations];
}

function parties(books: Books): readonly Party[] {
  return [{ name: 'billing', ledger: books.charged }, ...groups.map((name) => ({ name, ledger: books.groups[name] }))];
}
