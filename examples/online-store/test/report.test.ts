import { expect, test } from 'vitest';
import { dollars } from '../src/format.ts';
import { totalsTable, withoutSecrets } from '../src/report.ts';

test('dollars', () => {
  expect([0, 7, 100, 24_409_194].map(dollars)).toEqual(['$0.00', '$0.07', '$1.00', '$244,091.94']);
});

test.each([
  ['memory:', 'memory:'],
  ['amqp://user:p@ss@host:5672/vhost', 'amqp://host:5672/vhost'],
  [
    'sqs://eu-west-1?endpoint=http://127.0.0.1:9324&secretAccessKey=abc',
    'sqs://eu-west-1?endpoint=http://127.0.0.1:9324&secretAccessKey=***',
  ],
])('%s is shown without what is secret', (url, shown) => {
  expect(withoutSecrets(url)).toBe(shown);
});

test('a total that differs stands out', () => {
  const same = { orders: 10, cds: 1000, cents: 100_000 };
  const table = totalsTable({
    broker: 'memory:',
    sent: 10,
    charged: 10,
    retried: 0,
    deadLettered: 0,
    redriven: 0,
    groups: { website: same, app: { ...same, cents: 99_999 }, analytics: same },
    expected: same,
    orderViolations: 0,
    duplicatesSeen: 0,
    seconds: 1,
  });
  expect(table).toEqual([
    '           orders    CDs    dollars',
    'the file       10  1,000  $1,000.00',
    'website        10  1,000  $1,000.00  the same',
    'app            10  1,000    $999.99  DIFFERENT',
    'analytics      10  1,000  $1,000.00  the same',
  ]);
});
