import { Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { totalsOf } from '../src/accounting.ts';
import { parseOrders, readInput } from '../src/input.ts';
import { parseOptions } from '../src/options.ts';
import { inOrderOfDate } from '../src/order.ts';

const shipped = await readInput(parseOptions([]).input, Readable.from([]));

describe('the shipped sample', () => {
  const orders = parseOrders(shipped);

  test('has the totals that its README states', () => {
    expect(totalsOf(orders)).toEqual({ orders: 6919, cds: 16_479, cents: 24_409_194 });
    expect(new Set(orders.map(({ customerId }) => customerId)).size).toBe(2357);
    expect(orders.filter(({ cents }) => cents === 0)).toHaveLength(8);
  });

  test('is read field by field', () => {
    expect(orders[0]).toEqual({ id: 'order-1', line: 1, customerId: '00004', date: '1997-01-01', cds: 2, cents: 2933 });
  });

  test('can be cut: the first lines of the file', () => {
    expect(parseOrders(shipped, 3)).toEqual(orders.slice(0, 3));
  });
});

describe('layouts', () => {
  const sample = ' 00004 0001 19970101  2   29.33';
  const full = ' 00004 19970101  2   29.33';
  const header = ' customer_id  date number_of_cds  dollar_value';
  const order = { customerId: '00004', date: '1997-01-01', cds: 2, cents: 2933 };

  test.each([
    ['five columns', sample, 1],
    ['four columns under a header line', `${header}\n${full}`, 2],
    ['four columns without one', full, 1],
    ['five columns under a header line', `id sample date CDs dollars\n${sample}`, 2],
    ['CRLF line ends', `${header}\r\n${full}\r\n`, 2],
    ['empty lines at the end', `${sample}\n\n\n`, 1],
    ['a byte order mark', `\uFEFF${sample}`, 1],
    ['tabs', sample.replaceAll(/ +/g, '\t'), 1],
  ])('%s', (_, input, line) => {
    expect(parseOrders(input)).toEqual([{ id: `order-${line}`, line, ...order }]);
  });

  test.each([
    ['29.33', 2933],
    ['29.3', 2930],
    ['29', 2900],
    ['0.00', 0],
    ['0.07', 7],
    ['1286.01', 128_601],
  ])('%s dollars are %i cents', (dollars, cents) => {
    expect(parseOrders(`00004 19970101 2 ${dollars}`)[0]?.cents).toBe(cents);
  });
});

describe('a line that cannot be read is named, with what was expected', () => {
  const good = '00004 0001 19970101  2   29.33';

  test.each([
    ['a letter in an amount', '00004 0001 19970118  2   29.7x', /^Line 2: '29\.7x' .* an amount in dollars such as/],
    ['a negative amount', '00004 0001 19970118  2  -29.73', /^Line 2: '-29\.73' /],
    ['a third decimal', '00004 0001 19970118  2   29.733', /^Line 2: '29\.733' /],
    ['a broken number of CDs', '00004 0001 19970118  2.5   29.73', /^Line 2: '2\.5' .* a whole number of CDs/],
    ['a day that does not exist', '00004 0001 19970230  2   29.73', /^Line 2: '19970230' .* a date as YYYYMMDD/],
    ['a month that does not exist', '00004 0001 19971301  2   29.73', /^Line 2: '19971301' /],
    ['a broken customer', 'x0004 0001 19970118  2   29.73', /^Line 2: 'x0004' .* a customer number/],
    ['a broken number in the sample', '00004 000z 19970118  2   29.73', /^Line 2: '000z' /],
    ['a column too few', '00004 19970118  2   29.73', /^Line 2: has 4; expected 5 columns/],
    ['a column too many', '00004 0001 19970118  2   29.73 1', /^Line 2: has 6; expected 5 columns/],
    ['an empty line', '', /^Line 2: is empty; expected 5 columns/],
  ])('%s', (_, bad, message) => {
    expect(() => parseOrders(`${good}\n${bad}\n${good}`)).toThrow(message);
  });

  test('a damaged first line does not pass for a header', () => {
    expect(() => parseOrders(`x${good}\n${good}`)).toThrow(/^Line 1: 'x00004' /);
  });

  test('lines are counted with the header line', () => {
    expect(() => parseOrders('id date CDs dollars\n00004 19970101 2 x')).toThrow(/^Line 2: 'x' /);
  });

  test.each([
    ['an empty input', ''],
    ['a header line alone', 'id date CDs dollars\n'],
  ])('%s has no orders', (_, input) => {
    expect(() => parseOrders(input)).toThrow('The input has no orders.');
  });
});

test('standard input and files', async () => {
  expect(await readInput('-', Readable.from([Buffer.from('a'), Buffer.from('b')]))).toBe('ab');
  await expect(readInput('/no/such/file', Readable.from([]))).rejects.toThrow('Cannot read /no/such/file: ENOENT');
});

test('orders go out by date, each customer’s numbered, those of a day as in the file', () => {
  const lines = [
    '1 19970103 1 1.00',
    '1 19970105 2 2.00',
    '2 19970101 3 3.00',
    '2 19970103 4 4.00',
    '1 19970103 5 5.00',
  ];
  const sent = inOrderOfDate(parseOrders(lines.join('\n')));
  expect(sent.map(({ line, sequence }) => [line, sequence])).toEqual([
    [3, 1],
    [1, 1],
    [4, 2],
    [5, 2],
    [2, 3],
  ]);
});
