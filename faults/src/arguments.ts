import { parseArgs } from 'node:util';
import { driverNames } from './drivers.ts';
import type { DriverName } from './drivers.ts';
import { faults } from './faults.ts';

export const help: string = `npm run faults -- [DRIVER …] [options]      DRIVER: ${driverNames.join(' | ')}; default: all
npm run faults -- fuzz [--cases N] [--seed N]      every decoder and every reader of options, with 1,000,000
                                                   made-up inputs in all

npm run faults -- soak [DRIVER …] [--minutes N] [--rate N]      all at once, at a low rate (default 20), with a random
                                                   fault every 30 s; by default for 60 minutes

  --messages N   confirmed messages per fault (default 4000)
  --rate N       sends per second, of all producers together; 0: as fast as they are confirmed (default 500)
  --seed N       repeats a run (default: another one each time)
  --only FAULT   this fault alone; may be repeated
  --mixture      in place of the single faults, one random short fault after the other until all is sent
  --short        the faults that npm test runs
  --json FILE    writes the results as JSON as well
  --save         puts the results into faults/results.json and the table of docs/faults.md

Faults: ${faults.map(({ name }) => name).join(' ')}`;

export interface Arguments {
  readonly help: boolean;
  readonly drivers: readonly DriverName[];
  readonly messages: number;
  readonly rate: number;
  readonly seed: number;
  readonly only: readonly string[];
  readonly short: boolean;
  readonly json: string | undefined;
  readonly save: boolean;
  readonly mixture: boolean;
  readonly fuzz: boolean;
  readonly soak: boolean;
  /** Of the soak. */
  readonly minutes: number;
  /** Of the fuzzers, in all. */
  readonly cases: number;
}

/** What was asked for cannot be understood. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** @throws {UsageError} */
export function parseArguments(args: readonly string[]): Arguments {
  const { values, positionals } = parse(args);
  const only = values.only ?? [];
  const [first] = positionals;
  const [fuzz, isSoak] = [first === 'fuzz', first === 'soak'];
  const names = fuzz || isSoak ? positionals.slice(1) : positionals;
  requireKnown('driver', names, driverNames);
  requireKnown(
    'fault',
    only,
    faults.map(({ name }) => name),
  );
  return {
    help: values.help ?? false,
    drivers: names.length === 0 ? driverNames : (names as DriverName[]),
    messages: count('messages', values.messages ?? '4000'),
    rate: count('rate', values.rate ?? (isSoak ? '20' : '500')),
    seed: count('seed', values.seed ?? String(Math.floor(Math.random() * 1e6))),
    only,
    short: values.short ?? false,
    json: values.json,
    save: values.save ?? false,
    mixture: values.mixture ?? false,
    fuzz,
    soak: isSoak,
    minutes: count('minutes', values.minutes ?? '60'),
    cases: count('cases', values.cases ?? '1000000'),
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        help: { type: 'boolean' },
        messages: { type: 'string' },
        rate: { type: 'string' },
        seed: { type: 'string' },
        only: { type: 'string', multiple: true },
        short: { type: 'boolean' },
        mixture: { type: 'boolean' },
        minutes: { type: 'string' },
        json: { type: 'string' },
        save: { type: 'boolean' },
        cases: { type: 'string' },
      },
    });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function requireKnown(what: string, given: readonly string[], known: readonly string[]): void {
  const unknown = given.find((name) => !known.includes(name));
  if (unknown !== undefined) throw new UsageError(`There is no ${what} ${unknown}; there are ${known.join(', ')}.`);
}

function count(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) throw new UsageError(`--${name} takes a whole number.`);
  return value;
}
