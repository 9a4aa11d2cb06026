import { readFile } from 'node:fs/promises';
import { describe, expect, test, vi } from 'vitest';
import { parseOptions } from '../src/options.ts';
import { runStore, summaryOf } from './run-store.ts';

// Whole runs, on a machine that may be busy.
vi.setConfig({ testTimeout: 60_000 });

const sample = await readFile(parseOptions([]).input, 'utf8');

const all = { orders: 6919, cds: 16_479, cents: 24_409_194 };

describe('the whole file', () => {
  test('every order goes everywhere, once and in order, as JSON', async () => {
    const { code, stdout, stderr } = await runStore(['--json']);
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toEqual({
      broker: 'memory:',
      sent: 6919,
      charged: 6919,
      retried: expect.any(Number),
      deadLettered: 8,
      redriven: 8,
      groups: { website: all, app: all, analytics: all },
      expected: all,
      orderViolations: 0,
      duplicatesSeen: 0,
      seconds: expect.any(Number),
    });
    expect(stdout.split('\n')).toHaveLength(2);
    expect(code).toBe(0);
  });

  test('the keys come in their order', async () => {
    expect(Object.keys(await summaryOf(['--orders', '20']))).toEqual([
      'broker',
      'sent',
      'charged',
      'retried',
      'deadLettered',
      'redriven',
      'groups',
      'expected',
      'orderViolations',
      'duplicatesSeen',
      'seconds',
    ]);
  });

  test('one seed, one story: the same attempts fail', async () => {
    const [first, again, other] = await Promise.all(
      ['7', '7', '8'].map((seed) => summaryOf(['--orders', '2000', '--seed', seed])),
    );
    expect(again).toEqual({ ...first, seconds: again?.seconds });
    expect(other?.retried).not.toBe(first?.retried);
  });
});

test('the story, within 80 columns', async () => {
  const { code, stdout, stderr } = await runStore(['--orders', '500']);
  expect(stderr).toBe('');
  expect(code).toBe(0);
  expect(Math.max(...stdout.split('\n').map(({ length }) => length))).toBeLessThanOrEqual(80);
  expect(stdout).toMatch(/500 orders of \d+ customers are read: 1,\d+ CDs for\s+\$[\d,]+\.\d\d\./);
  expect(stdout).toMatch(/billing-[12] is stopped with [1-9]\d* orders? in hand/);
  expect(stdout).toMatch(/line 226 {2}customer 01101 {2}1997-01-05 {2}nothing to charge/);
  expect(stdout).toMatch(/analytics +500 .* the same\n/);
  expect(stdout).not.toContain('\u001b');
});

describe('a part of it', () => {
  test('the first 200 orders, of which none is free', async () => {
    const { code, stdout } = await runStore(['--orders', '200']);
    expect(code).toBe(0);
    expect(stdout).toContain('No order was rejected');
    const summary = await summaryOf(['--orders', '200']);
    const first = { orders: 200, cds: 426, cents: 722_885 };
    expect(summary).toMatchObject({ sent: 200, deadLettered: 0, redriven: 0, expected: first, groups: { app: first } });
  });

  test.each([1, 2, 3, 226])('the first %i', async (orders) => {
    expect(await summaryOf(['--orders', String(orders)])).toMatchObject({ sent: orders, charged: orders });
  });

  test('a single order, for nothing', async () => {
    const { code, stdout } = await runStore(['--input', '-', '--json'], { input: '01101 0087 19970105  1    0.00' });
    expect(JSON.parse(stdout)).toMatchObject({
      charged: 1,
      deadLettered: 1,
      redriven: 1,
      expected: { orders: 1, cents: 0 },
    });
    expect(code).toBe(0);
  });
});

describe('input', () => {
  test('standard input, in the layout of the full data', async () => {
    const full = sample
      .replaceAll(/^( \d{5}) \d{4}/gm, '$1')
      .split('\r\n')
      .slice(0, 300);
    const input = [' customer_id  date number_of_cds  dollar_value', ...full].join('\r\n');
    const { code, stdout } = await runStore(['--input', '-', '--json'], { input });
    expect(JSON.parse(stdout)).toMatchObject({ sent: 300, charged: 300, deadLettered: 1 });
    expect(code).toBe(0);
  });

  test('a line that was tampered with is named, before anything is sent', async () => {
    const input = sample.replace('19970802  1   14.96', '19970802  1   l4.96');
    await expect(runStore(['--input', '-', '--json'], { input })).rejects.toThrow(/^Line 3: 'l4\.96' /);
  });
});

test('an interrupted run ends with the reason', async () => {
  const interrupt = new AbortController();
  const onOutput = (text: string): void => {
    if (text.includes('charge the orders')) interrupt.abort(new Error('enough'));
  };
  await expect(runStore([], { onOutput, signal: interrupt.signal })).rejects.toThrow('enough');
});

test('a broker without an adapter is an error with the install line', async () => {
  await expect(runStore(['--broker', 'nosuch://host'])).rejects.toThrow(/nosuch/);
});
