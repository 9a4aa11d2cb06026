import { describe, expect, test } from 'vitest';
import { parseArguments, UsageError } from '../src/arguments.ts';

const known = ['memory', 'redis'];
const parse = (line: string) => parseArguments(line.split(' ').filter(Boolean), known);

describe('what is asked for', () => {
  test('is everything, unless something is named', () => {
    expect(parse('')).toMatchObject({ command: 'run', suites: known, size: 'full', peers: true, save: false });
    expect(parse('all --quick')).toMatchObject({ suites: known, size: 'quick' });
    expect(parse('redis')).toMatchObject({ suites: ['redis'] });
  });

  test('is read with its options, in any order', () => {
    expect(parse('--save redis --rounds 7 --no-peers --json out.json')).toMatchObject({
      suites: ['redis'],
      rounds: 7,
      peers: false,
      save: true,
      json: 'out.json',
    });
  });

  test('has words that single out cases', () => {
    const args = parseArguments(['--only', 'redis  sendMany'], known);
    expect(args.only).toEqual(['redis', 'sendMany']);
  });

  test('may be a look at the last run', () => {
    expect(parse('check')).toMatchObject({ command: 'check', suites: known });
    expect(parse('check redis')).toMatchObject({ command: 'check', suites: ['redis'] });
    expect(parse('show')).toMatchObject({ command: 'show' });
  });

  test.each([
    ['postgres', /no benchmark of 'postgres'.*memory, redis/],
    ['redis check', /no benchmark of 'check'/],
    ['--fast', /no option --fast/],
    ['--rounds 2', /3 to 1000, and not '2'/],
    ['--rounds five', /not 'five'/],
    ['--json', /--json needs a value/],
    ['--save --only redis', /no --only/],
    ['--only --quick', /--only needs a value/],
  ])('%j is refused', (line, message) => {
    expect(() => parse(line)).toThrow(message);
    expect(() => parse(line)).toThrow(UsageError);
  });
});
