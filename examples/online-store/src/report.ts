import type { DeadLetter } from '@anymq/core';
import { totalsOf, type Totals } from './accounting.ts';
import type { Books } from './books.ts';
import { groups, type Group } from './destinations.ts';
import { align, count, dollars, shorten } from './format.ts';
import type { Order } from './order.ts';

/** What `--json` prints. */
export interface Summary {
  readonly broker: string;
  readonly sent: number;
  readonly charged: number;
  readonly retried: number;
  readonly deadLettered: number;
  readonly redriven: number;
  readonly groups: Readonly<Record<Group, Totals>>;
  readonly expected: Totals;
  readonly orderViolations: number;
  readonly duplicatesSeen: number;
  readonly seconds: number;
}

export function summarize(books: Books, orders: readonly Order[], broker: string, seconds: number): Summary {
  const { website, app, analytics } = books.groups;
  return {
    broker: withoutSecrets(broker),
    sent: books.sent,
    charged: books.charged.size,
    retried: books.retried,
    deadLettered: books.deadLetters.size,
    redriven: books.redriven,
    groups: { website: website.totals(), app: app.totals(), analytics: analytics.totals() },
    expected: totalsOf(orders),
    orderViolations: books.violations.length,
    duplicatesSeen: books.duplicates,
    seconds: Math.round(seconds * 1000) / 1000,
  };
}

/** A broker's URL may hold a password, in front of the host or among the parameters. */
export function withoutSecrets(url: string): string {
  return url
    .replace(/\/\/[^/]*@/, '//')
    .replace(/([?&][^=&]*(?:key|pass|secret|token|credential)[^=&]*=)[^&]*/gi, '$1***');
}

/** Each party's totals under those of the file. */
export function totalsTable({ expected, groups: counted }: Summary): readonly string[] {
  const rows = [['', 'orders', 'CDs', 'dollars', ''], row('the file', expected)];
  for (const group of groups)
    rows.push([...row(group, counted[group]).slice(0, -1), sameTotals(counted[group], expected)]);
  return align(rows, [1, 2, 3]);
}

function row(name: string, { orders, cds, cents }: Totals): string[] {
  return [name, count(orders), count(cds), dollars(cents), ''];
}

function sameTotals(one: Totals, other: Totals): string {
  return one.orders === other.orders && one.cds === other.cds && one.cents === other.cents ? 'the same' : 'DIFFERENT';
}

export function letterTable(letters: readonly DeadLetter[]): readonly string[] {
  const rows = letters.map(({ body, reason }) => {
    const order = JSON.parse(new TextDecoder().decode(body)) as Order;
    return [`line ${order.line}`, `customer ${order.customerId}`, order.date, reason.message];
  });
  return shorten(align(rows), 10);
}
