import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

export interface Options {
  readonly broker: string;
  /** A path; '-' is standard input. */
  readonly input: string;
  /** All of them: Infinity. */
  readonly orders: number;
  readonly seed: number;
  readonly json: boolean;
  readonly help: boolean;
}

/** The command line cannot be understood. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

const shippedInput = fileURLToPath(new URL('../data/cdnow-sample.txt', import.meta.url));

export const help = `An online store on any message broker: real orders, charged and counted.

  npm run demo -- [options]

  --broker URL   memory: by default; or redis://host:6379, amqp://host:5672,
                 kafka://host:9092, sqs://region: whatever adapter is installed
  --input FILE   orders in the layout of CDNOW's files, sample or full; - is
                 standard input. By default the sample that is shipped
  --orders N     only the first N orders
  --seed N       of the payment gateway's failures: from 0 to 4294967295, 1 by
                 default. With the same seed the same attempts fail
  --json         print one JSON object and nothing else to standard output
  --help         print this

Ends with 0 when every total matches the input, else 1; 2 for a wrong option.`;

/** @throws UsageError */
export function parseOptions(args: readonly string[]): Options {
  const values = parse(args);
  return {
    broker: broker(values.broker ?? 'memory:'),
    input: values.input === undefined ? shippedInput : notEmpty('--input', values.input),
    orders: values.orders === undefined ? Infinity : whole('--orders', values.orders, 1, 1_000_000_000),
    seed: values.seed === undefined ? 1 : whole('--seed', values.seed, 0, 2 ** 32 - 1),
    json: values.json ?? false,
    help: values.help ?? false,
  };
}

const known = {
  broker: { type: 'string' },
  input: { type: 'string' },
  orders: { type: 'string' },
  seed: { type: 'string' },
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

type Values = { -readonly [K in keyof typeof known]?: (typeof known)[K]['type'] extends 'string' ? string : boolean };

function parse(args: readonly string[]): Values {
  try {
    return parseArgs({ args: [...args], options: known, strict: true, allowPositionals: false }).values;
  } catch (error) {
    const [firstSentence = ''] = (error as Error).message.split(/\.? To specify |\. This |\.?\n/);
    throw new UsageError(`${firstSentence}.`);
  }
}

function broker(url: string): string {
  if (/^[a-z][a-z0-9+.-]*:/i.test(url)) return url;
  throw new UsageError(`--broker takes a URL such as memory: or redis://127.0.0.1:6379.`);
}

function notEmpty(option: string, value: string): string {
  if (value !== '') return value;
  throw new UsageError(`${option} takes the path of a file, or - for standard input.`);
}

function whole(option: string, value: string, min: number, max: number): number {
  const number = /^\d{1,16}$/.test(value) ? Number(value) : Number.NaN;
  if (number >= min && number <= max) return number;
  throw new UsageError(`${option} takes a whole number from ${min} to ${max}; got '${value}'.`);
}
