import { expect, test } from 'vitest';
import { Ledger, totalsOf } from '../src/accounting.ts';
import { Books } from '../src/books.ts';
import { groups } from '../src/destinations.ts';
import type { Order } from '../src/order.ts';
import { allDone, problems, stillMissing } from '../src/verification.ts';

const order = (line: number, sequence = 1, cents = 1010): Order => ({
  id: `order-${line}`,
  line,
  customerId: '00004',
  sequence,
  date: '1997-01-01',
  cds: 2,
  cents,
});
const orders = [order(1, 1), order(2, 2), order(3, 3)];

const change = ({ id, customerId, cds, cents }: Order) => ({ orderId: id, customerId, cds, cents });

function booksOf(charged: readonly Order[]): Books {
  const books = new Books();
  for (const one of charged) {
    books.enterCharge(one);
    for (const group of groups) books.enterStockChange(group, change(one));
  }
  return books;
}

test('cents add up exactly', () => {
  const dime = { cds: 1, cents: 10 };
  expect(totalsOf([dime, dime, dime])).toEqual({ orders: 3, cds: 3, cents: 30 });
});

test('a ledger counts an order once', () => {
  const ledger = new Ledger();
  expect(ledger.enter('a', { cds: 1, cents: 5 })).toBe(true);
  expect(ledger.enter('a', { cds: 9, cents: 9 })).toBe(false);
  expect(ledger.totals()).toEqual({ orders: 1, cds: 1, cents: 5 });
});

test('books that match have no problems', () => {
  const books = booksOf(orders);
  expect(allDone(books, orders)).toBe(true);
  expect(problems(books, orders)).toEqual([]);
});

test('what is missing, differs or is not of the input is named by its line', () => {
  const books = booksOf([order(1), order(3, 3, 999), order(9, 9)]);
  expect(allDone(books, orders.slice(0, 3))).toBe(true);
  expect(problems(books, orders)).toEqual(
    ['billing', ...groups].flatMap((name) => [
      `${name}: line 2: the order is missing`,
      `${name}: line 3: counted as 2 CDs for $9.99, but the file has 2 CDs for $10.10`,
      `${name}: 'order-9' is no order of the input`,
    ]),
  );
});

test('a wait that is given up says who lacks which lines', () => {
  const books = booksOf([order(1)]);
  books.enterStockChange('app', change(order(2)));
  expect(allDone(books, orders)).toBe(false);
  expect(stillMissing(books, orders)).toBe(
    'billing lacks 2 orders (lines 2, 3); website lacks 2 orders (lines 2, 3); ' +
      'app lacks 1 order (line 3); analytics lacks 2 orders (lines 2, 3).',
  );
});

test('an order that overtakes an earlier one of its customer is a violation', () => {
  const books = booksOf([order(2, 2), order(1, 1), order(3, 3)]);
  expect(books.violations.map(({ line }) => line)).toEqual([1]);
  expect(problems(books, orders)).toEqual(['billing: line 1: charged after a later order of customer 00004']);
});

test('a redriven order is none, and hides none', () => {
  const books = new Books();
  books.expectRedriven(['order-1']);
  for (const one of [order(3, 3), order(1, 1), order(2, 2)]) books.enterCharge(one);
  expect(books.violations.map(({ line }) => line)).toEqual([2]);
});

test('a second time changes nothing, and is counted as a duplicate', () => {
  const books = booksOf(orders);
  books.enterCharge(order(1, 1, 77));
  books.enterStockChange('app', change(order(2, 2, 77)));
  expect(books.duplicates).toBe(2);
  expect(problems(books, orders)).toEqual([]);
});

test('a failed attempt is counted once, however often it is delivered', () => {
  const books = new Books();
  books.enterFailedAttempt('order-1', 1);
  books.enterFailedAttempt('order-1', 1);
  books.enterFailedAttempt('order-1', 2);
  expect(books.retried).toBe(2);
});
