import { expect, test } from 'vitest';
import { parseOptions, UsageError } from '../src/options.ts';

test('defaults', () => {
  expect(parseOptions([])).toEqual({
    broker: 'memory:',
    input: expect.stringMatching(/cdnow-sample\.txt$/),
    orders: Infinity,
    seed: 1,
    json: false,
    help: false,
  });
});

test('every option', () => {
  const args = [
    '--broker',
    'redis://127.0.0.1:6379',
    '--input=-',
    '--orders',
    '200',
    '--seed',
    '0',
    '--json',
    '--help',
  ];
  expect(parseOptions(args)).toEqual({
    broker: 'redis://127.0.0.1:6379',
    input: '-',
    orders: 200,
    seed: 0,
    json: true,
    help: true,
  });
});

test.each([
  [['--colour'], "Unknown option '--colour'."],
  [['orders.txt'], "Unexpected argument 'orders.txt'."],
  [['--orders'], "Option '--orders <value>' argument missing."],
  [['--orders', '-5'], "Option '--orders' argument is ambiguous."],
  [['--orders', '0'], "--orders takes a whole number from 1 to 1000000000; got '0'."],
  [['--orders', '1e3'], "--orders takes a whole number from 1 to 1000000000; got '1e3'."],
  [['--seed', '1.5'], "--seed takes a whole number from 0 to 4294967295; got '1.5'."],
  [['--seed', '4294967296'], "--seed takes a whole number from 0 to 4294967295; got '4294967296'."],
  [['--input', ''], '--input takes the path of a file, or - for standard input.'],
  [['--broker', 'localhost'], '--broker takes a URL such as memory: or redis://127.0.0.1:6379.'],
  [['--json=yes'], "Option '--json' does not take an argument."],
])('%j is refused', (args, message) => {
  expect(() => parseOptions(args)).toThrow(new UsageError(message));
});
