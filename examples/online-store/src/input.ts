import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import type { Order } from './order.ts';

export type InputOrder = Omit<Order, 'sequence'>;

/** A line that cannot be read. Its message has the line's number and what was expected there. */
export class InputError extends Error {
  override readonly name = 'InputError';
}

const layouts = {
  sample: { columns: 5, shape: 'customer, customer in the sample, YYYYMMDD, CDs, dollars' },
  full: { columns: 4, shape: 'customer, YYYYMMDD, CDs, dollars' },
} as const;
type Layout = keyof typeof layouts;

/** The whole input; '-' is standard input. @throws InputError when there is no such file */
export async function readInput(path: string, stdin: NodeJS.ReadableStream): Promise<string> {
  if (path === '-') return text(stdin);
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new InputError(`Cannot read ${path}: ${(error as Error).message}`);
  }
}

/**
 * The orders of a CDNOW file, in its order: of the sample (five columns) or of the full data (four columns, under a
 * header line). At most the first `limit`. @throws InputError
 */
export function parseOrders(input: string, limit: number = Infinity): readonly InputOrder[] {
  const lines = input.replace(/^\uFEFF/, '').split(/\r?\n/);
  while (lines.at(-1)?.trim() === '') lines.pop();
  const headers = isHeader(lines[0] ?? '') ? 1 : 0;
  const layout = layoutOf(lines[headers] ?? '', headers === 1);
  const orders = lines
    .slice(headers, headers + limit)
    .map((line, index) => parseLine(line, headers + index + 1, layout));
  if (orders.length === 0) throw new InputError('The input has no orders.');
  return orders;
}

/** Words and no figures: a damaged first order still has some, and must not pass for a header. */
function isHeader(line: string): boolean {
  return /\p{L}/u.test(line) && !/\d/.test(line);
}

function layoutOf(firstOrder: string, underHeader: boolean): Layout {
  const columns = firstOrder.trim().split(/\s+/).length;
  if (columns === layouts.sample.columns) return 'sample';
  return underHeader || columns === layouts.full.columns ? 'full' : 'sample';
}

function parseLine(line: string, number: number, layout: Layout): InputOrder {
  const fields = line.trim().split(/\s+/);
  const { columns, shape } = layouts[layout];
  if (fields.length !== columns || fields[0] === '') {
    const found = fields[0] === '' ? 'is empty' : `has ${fields.length}`;
    throw new InputError(`Line ${number}: ${found}; expected ${columns} columns (${shape}).`);
  }
  if (layout === 'sample') check(fields.splice(1, 1)[0], isNumber, number, "a customer's number in the sample");
  const [customerId, date, cds, dollars] = fields;
  return {
    id: `order-${number}`,
    line: number,
    customerId: check(customerId, isNumber, number, 'a customer number'),
    date: check(date, isDate, number, 'a date as YYYYMMDD').replace(/(....)(..)(..)/, '$1-$2-$3'),
    cds: Number(check(cds, isNumber, number, 'a whole number of CDs')),
    cents: centsOf(check(dollars, isAmount, number, 'an amount in dollars such as 29.33')),
  };
}

function check(field: string | undefined, fits: (field: string) => boolean, line: number, expected: string): string {
  if (field !== undefined && fits(field)) return field;
  throw new InputError(`Line ${line}: '${field?.slice(0, 40)}' is not what was expected there: ${expected}.`);
}

const isNumber = (field: string): boolean => /^\d{1,9}$/.test(field);
const isAmount = (field: string): boolean => /^\d{1,9}(\.\d{1,2})?$/.test(field);

function isDate(field: string): boolean {
  const [, year, month, day] = (/^(\d{4})(\d\d)(\d\d)$/.exec(field) ?? []).map(Number);
  if (year === undefined || month === undefined || day === undefined) return false;
  const date = new Date(Date.UTC(year, month - 1, day));
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
}

/** By its digits, so that nothing is rounded. */
function centsOf(dollars: string): number {
  const [whole = '0', fraction = ''] = dollars.split('.');
  return Number(whole) * 100 + Number(fraction.padEnd(2, '0'));
}
