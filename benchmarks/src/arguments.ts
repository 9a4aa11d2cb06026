/** Somebody asked for what there is not. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export interface Arguments {
  /** In the order in which they were named; all, when none was. */
  readonly brokers: readonly string[];
  readonly size: 'full' | 'quick';
  readonly rounds: number;
  /** Words that all must be among a case's labels; none: every case, and the memory of a backlog. */
  readonly only: readonly string[];
  /** Where the results go as JSON. */
  readonly json: string | undefined;
  readonly help: boolean;
}

export const help = `npm run bench -- [BROKER …] [options]

  --quick        fewer messages: done within half a minute
  --rounds N     counted rounds, 5 to 1000; 5 by default
  --only WORDS   only the cases with all these labels, like 'memory sendMany bytes'
  --json FILE    writes the results to FILE, too
  --help         this`;

const defaults: Omit<Arguments, 'brokers'> = { size: 'full', rounds: 5, only: [], json: undefined, help: false };

/** @throws UsageError */
export function parseArguments(args: readonly string[], known: readonly string[]): Arguments {
  const brokers: string[] = [];
  const options: Partial<Arguments>[] = [];
  const left = [...args];
  for (let arg = left.shift(); arg !== undefined; arg = left.shift()) {
    if (arg.startsWith('-')) options.push(readOption(arg, () => left.shift()));
    else brokers.push(requireBroker(arg, known));
  }
  return Object.assign({ ...defaults, brokers: brokers.length === 0 ? known : brokers }, ...options) as Arguments;
}

function readOption(option: string, next: () => string | undefined): Partial<Arguments> {
  switch (option) {
    case '--quick':
      return { size: 'quick' };
    case '--rounds':
      return { rounds: readRounds(requireValue(option, next())) };
    case '--only':
      return { only: requireValue(option, next()).split(/\s+/) };
    case '--json':
      return { json: requireValue(option, next()) };
    case '--help':
      return { help: true };
    default:
      throw new UsageError(`There is no option ${option}.`);
  }
}

function requireBroker(name: string, known: readonly string[]): string {
  if (known.includes(name)) return name;
  throw new UsageError(`There is no benchmark of '${name}'. Benchmarked are: ${known.join(', ')}.`);
}

function requireValue(option: string, value: string | undefined): string {
  if (value !== undefined && value !== '' && !value.startsWith('--')) return value;
  throw new UsageError(`${option} needs a value.`);
}

function readRounds(text: string): number {
  const rounds = Number(text);
  if (Number.isInteger(rounds) && rounds >= 5 && rounds <= 1000) return rounds;
  throw new UsageError(`--rounds is a whole number from 5 to 1000, and not '${text}'.`);
}
