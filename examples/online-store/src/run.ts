import type { DriverModule } from '@anymq/core';
import { totalsOf } from './accounting.ts';
import { Books } from './books.ts';
import { groups } from './destinations.ts';
import { count, counted, dollars, shorten } from './format.ts';
import { parseOrders, readInput } from './input.ts';
import type { Options } from './options.ts';
import { inOrderOfDate, type Order } from './order.ts';
import { summarize, totalsTable, withoutSecrets, type Summary } from './report.ts';
import { Screen, type Output, type Progress } from './screen.ts';
import { openStore } from './store.ts';
import { problems } from './verification.ts';

export interface Surroundings {
  readonly stdin: NodeJS.ReadableStream;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly signal: AbortSignal;
  /** How long nothing at all may happen before the run is given up, in milliseconds: 30,000 by default. */
  readonly patienceMs?: number;
  /** Adapters that are not to be looked for among the example's dependencies. */
  readonly drivers?: readonly DriverModule[];
}

/** One run, from the input to the report. Resolves with the exit code: 0, or 1 when the totals do not match. */
export async function run(options: Options, surroundings: Surroundings): Promise<number> {
  const { stdin, stdout, signal } = surroundings;
  const { broker, seed, json } = options;
  const orders = inOrderOfDate(parseOrders(await readInput(options.input, stdin), options.orders));
  const books = new Books();
  const progress = (): Progress => ({ done: effects(books), total: orders.length * (1 + groups.length) });
  const screen = new Screen({ out: stdout, silent: json, progress });
  const tell = screen.tell.bind(screen);

  tell(opening(orders, broker));
  screen.startBar();
  try {
    const { drivers = [], patienceMs = 30_000 } = surroundings;
    const warn = (text: string): void => void surroundings.stderr.write(`! ${text}\n`);
    await openStore({ broker, drivers, seed, orders, books, patienceMs, signal, tell, warn });
  } finally {
    screen.stopBar();
  }
  const summary = summarize(books, orders, broker, screen.seconds);
  const found = problems(books, orders);
  if (json) stdout.write(`${JSON.stringify(summary)}\n`);
  else tell(ending(summary, found), totalsTable(summary));
  for (const problem of shorten(found, 20)) surroundings.stderr.write(`✗ ${problem}\n`);
  return found.length === 0 ? 0 : 1;
}

/** Effects, not messages: each order is charged once and counted once by each group. */
function effects(books: Books): number {
  return groups.reduce((sum, group) => sum + books.groups[group].size, books.charged.size);
}

function opening(orders: readonly Order[], broker: string): string {
  const { cds, cents } = totalsOf(orders);
  const customers = new Set(orders.map(({ customerId }) => customerId)).size;
  return `${counted(orders.length, 'order')} of ${counted(customers, 'customer')} are read: ${counted(cds, 'CD')} for ${dollars(cents)}. They go to the queue 'orders' on ${withoutSecrets(broker)}`;
}

function ending({ duplicatesSeen }: Summary, found: readonly string[]): string {
  if (found.length > 0) return 'The books do not match the file:';
  return `Every order went everywhere, once and in its customer's order; duplicates caught: ${count(duplicatesSeen)}. The books match the file to the cent:`;
}
