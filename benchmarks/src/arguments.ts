/** Somebody asked for what there is not. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export interface Arguments {
  /** 'run' measures; 'check' and 'show' look at what was measured. */
  readonly command: 'run' | 'check' | 'show';
  /** In the order in which they were named; all, when none was, or 'all'. */
  readonly suites: readonly string[];
  readonly size: 'full' | 'quick';
  /** Undefined: as many as each suite finds right. */
  readonly rounds: number | undefined;
  /** Words that all must be among a case's labels; none: every case, and what is not a case. */
  readonly only: readonly string[];
  readonly peers: boolean;
  /** Whether the results become those that are committed. */
  readonly save: boolean;
  /** Where the results go as JSON. */
  readonly json: string | undefined;
  readonly help: boolean;
}

export const help = `npm run bench -- [SUITE … | all] [options]
npm run bench -- check [SUITE …]   compares the ratios of the last run with the committed ones, and says what got worse
npm run bench -- show              makes the plots and tables of the documentation again, from the committed results

  --quick        fewer messages: a broker is done within three minutes
  --rounds N     counted rounds, 3 to 1000
  --only WORDS   only the cases with all these labels, like 'redis sendMany'
  --no-peers     without the libraries of others, which are installed when they are first needed
  --save         puts the results into benchmarks/results, and makes the plots and tables
  --json FILE    writes the results to FILE, too
  --help         this`;

const defaults: Omit<Arguments, 'command' | 'suites'> = {
  size: 'full',
  rounds: undefined,
  only: [],
  peers: true,
  save: false,
  json: undefined,
  help: false,
};

/** @throws UsageError */
export function parseArguments(args: readonly string[], known: readonly string[]): Arguments {
  const words: string[] = [];
  const options: Partial<Arguments>[] = [];
  const left = [...args];
  for (let arg = left.shift(); arg !== undefined; arg = left.shift()) {
    if (arg.startsWith('-')) options.push(readOption(arg, () => left.shift()));
    else words.push(arg);
  }
  const command = words[0] === 'check' || words[0] === 'show' ? words[0] : 'run';
  const named = (command === 'run' ? words : words.slice(1)).filter((word) => word !== 'all');
  const suites = named.map((name) => requireSuite(name, known));
  const given = { ...defaults, command, suites: suites.length === 0 ? known : suites };
  return requireWhole(Object.assign(given, ...options) as Arguments);
}

function requireWhole(parsed: Arguments): Arguments {
  if (parsed.save && parsed.only.length > 0) throw new UsageError('--save takes whole suites, and no --only.');
  return parsed;
}

function readOption(option: string, next: () => string | undefined): Partial<Arguments> {
  switch (option) {
    case '--quick':
      return { size: 'quick' };
    case '--rounds':
      return { rounds: readRounds(requireValue(option, next())) };
    case '--only':
      return { only: requireValue(option, next()).split(/\s+/) };
    case '--no-peers':
      return { peers: false };
    case '--save':
      return { save: true };
    case '--json':
      return { json: requireValue(option, next()) };
    case '--help':
      return { help: true };
    default:
      throw new UsageError(`There is no option ${option}.`);
  }
}

function requireSuite(name: string, known: readonly string[]): string {
  if (known.includes(name)) return name;
  throw new UsageError(`There is no benchmark of '${name}'. Benchmarked are: ${known.join(', ')}.`);
}

function requireValue(option: string, value: string | undefined): string {
  if (value !== undefined && value !== '' && !value.startsWith('--')) return value;
  throw new UsageError(`${option} needs a value.`);
}

function readRounds(text: string): number {
  const rounds = Number(text);
  if (Number.isInteger(rounds) && rounds >= 3 && rounds <= 1000) return rounds;
  throw new UsageError(`--rounds is a whole number from 3 to 1000, and not '${text}'.`);
}
