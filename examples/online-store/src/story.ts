import type { Client, DeadLetter, IdempotencyStore } from '@anymq/core';
import { acceptFreeSamples, BillingOffice, type Worker } from './billing.ts';
import type { Books } from './books.ts';
import type { Crew } from './crew.ts';
import { orders as queue, stockChanges } from './destinations.ts';
import { counted } from './format.ts';
import { PaymentGateway } from './gateway.ts';
import { followStock } from './groups.ts';
import { tellingDuplicates } from './once.ts';
import type { Order } from './order.ts';
import { letterTable } from './report.ts';
import { allDone, stillMissing } from './verification.ts';

export interface StoryOptions {
  readonly client: Client;
  readonly crew: Crew;
  readonly books: Books;
  readonly idempotency: IdempotencyStore;
  readonly orders: readonly Order[];
  readonly seed: number;
  /** How long nothing at all may happen before the run is given up, in milliseconds; and how long its end may take. */
  readonly patienceMs: number;
  readonly signal: AbortSignal;
  readonly tell: (text: string, details?: readonly string[]) => void;
}

const chunkSize = 500;

/** What happens in the store, from the first order to the last redriven one. */
export async function tellStory(options: StoryOptions): Promise<void> {
  const { client, crew, books, orders, seed, tell } = options;
  const idempotency = tellingDuplicates(options.idempotency, () => books.enterDuplicate());
  const office = new BillingOffice({ client, books, idempotency, gateway: new PaymentGateway(seed) });

  await client.provision([queue, stockChanges]);
  await crew.start(followStock({ client, books, idempotency }));
  const workers = [office.hire('billing-1'), office.hire('billing-2')];
  await crew.start(workers.map(({ consumer }) => consumer));
  tell('billing-1 and billing-2 charge the orders; website, app and analytics follow the stock.');

  await Promise.all([sendAll(options), changeShift(office, workers, options)]);
  await until(options, () => books.handled >= orders.length);
  tell(
    `${counted(books.charged.size, 'order')} charged; ${counted(books.retried, 'attempt')} failed at the payment gateway and had to be made again.`,
  );

  await redriveDeadLetters(office, options);
  await until(options, () => allDone(books, orders));
  await crew.stop(options.patienceMs);
}

async function sendAll({ client, books, orders, signal }: StoryOptions): Promise<void> {
  // Emulators of SQS take long for an order by key.
  const producer = client.producer(queue, { timeoutMs: 300_000 });
  for (let start = 0; start < orders.length; start += chunkSize) {
    signal.throwIfAborted();
    const chunk = orders.slice(start, start + chunkSize);
    const results = await producer.sendMany(chunk, ({ id }) => ({ id }));
    for (const [index, result] of results.entries()) {
      if (!result.ok) throw new Error(`Line ${chunk[index]?.line} was not sent: ${result.error.message}`);
    }
    books.enterSent(chunk.length);
  }
}

/** Half way, the busiest worker is stopped in the middle of its work, and another takes its place. */
async function changeShift(office: BillingOffice, workers: readonly Worker[], options: StoryOptions): Promise<void> {
  const { books, crew, orders, tell } = options;
  await until(options, () => books.handled >= orders.length / 2);
  const leaving = workers.reduce((busiest, worker) => (worker.inHand > busiest.inHand ? worker : busiest));
  const { inHand, charged } = leaving;
  const taking = office.hire('billing-3');
  await Promise.all([leaving.consumer.stop(), crew.start([taking.consumer])]);
  const finished = counted(leaving.charged - charged, 'order');
  tell(
    `Half way, ${leaving.name} is stopped with ${counted(inHand, 'order')} in hand. It finishes ${finished} and goes; ${taking.name} takes over.`,
  );
}

async function redriveDeadLetters(office: BillingOffice, { client, books, signal, tell }: StoryOptions): Promise<void> {
  if (books.deadLetters.size === 0) return tell('No order was rejected: there are no dead letters.');
  const dead = client.deadLetters(queue);
  const letters: DeadLetter[] = [];
  for await (const letter of dead.list({ signal })) letters.push(letter);
  tell(`${counted(letters.length, 'order')} could not be charged and became dead letters:`, letterTable(letters));

  office.rule = acceptFreeSamples;
  books.expectRedriven(letters.map(({ id }) => id));
  const { redriven, failed } = await dead.redrive({ signal });
  books.enterRedriven(redriven);
  if (failed > 0) throw new Error(`${counted(failed, 'dead letter')} could not be redriven.`);
  tell(`The rule is mended, a free order is a sample: ${counted(redriven, 'dead letter')} redriven.`);
}

function until({ books, orders, patienceMs, signal }: StoryOptions, done: () => boolean): Promise<void> {
  return books.bell.until(done, { patienceMs, signal, missing: () => stillMissing(books, orders) });
}
