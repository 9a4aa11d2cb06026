import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseArguments, UsageError } from '../src/arguments.ts';
import { writtenPage } from '../src/results.ts';

test('docs/faults.md shows the last results: npm run faults -- … --save', () => {
  expect(readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'faults.md'), 'utf8')).toBe(writtenPage());
});

test('what is misspelt is refused, and the known names are told', () => {
  expect(() => parseArguments(['nats'])).toThrow(/no driver nats.*redis/);
  expect(() => parseArguments(['--only', 'flood'])).toThrow(/no fault flood.*broker-killed/);
  expect(() => parseArguments(['--messages', 'many'])).toThrow(UsageError);
  expect(parseArguments(['redis', '--seed', '3'])).toMatchObject({
    drivers: ['redis'],
    seed: 3,
    messages: 4000,
    fuzz: false,
  });
  expect(parseArguments(['fuzz', '--cases', '10'])).toMatchObject({ fuzz: true, cases: 10 });
});
