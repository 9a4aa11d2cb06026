import { AnymqError } from './errors.ts';

export function invalidOption(message: string): AnymqError {
  return new AnymqError('INVALID_OPTION', message);
}

export interface NumberBounds {
  readonly min: number;
  readonly max?: number;
  readonly integer?: boolean;
}

/** @throws INVALID_OPTION, which states the bounds. */
export function requireNumber(
  name: string,
  value: unknown,
  { min, max = Infinity, integer = false }: NumberBounds,
): number {
  const fits = typeof value === 'number' && value >= min && value <= max && (!integer || Number.isInteger(value));
  if (fits) return value;
  const kind = integer ? 'a whole number' : 'a number';
  const range = max === Infinity ? `of at least ${min}` : `from ${min} to ${max}`;
  throw invalidOption(`${name} must be ${kind} ${range}; got ${typeof value === 'number' ? value : typeof value}.`);
}

/** @throws INVALID_OPTION, which lists the choices. */
export function requireOneOf<T extends string>(name: string, value: unknown, choices: readonly T[]): T {
  if (choices.includes(value as T)) return value as T;
  throw invalidOption(`${name} must be ${choices.map((choice) => `'${choice}'`).join(' or ')}; got ${shown(value)}.`);
}

/** Of a value that nobody vouches for, at most a text is shown. */
export function shown(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value) : typeof value;
}

/** A misspelt option would be ignored in silence otherwise. @throws INVALID_OPTION, which names the known ones. */
export function requireKnown(what: string, options: object, known: readonly string[]): void {
  for (const name of Object.keys(options)) {
    if (!known.includes(name)) throw invalidOption(`${what} has no option '${name}'. It has: ${known.join(', ')}.`);
  }
}

export interface NumberOption extends NumberBounds {
  /** What it is when it is left out; otherwise undefined. */
  readonly standard?: number;
}

type NumbersOf<Table> = {
  readonly [Name in keyof Table]: Table[Name] extends { readonly standard: number } ? number : number | undefined;
};

/** The numbers among some options, checked and with their defaults. @throws INVALID_OPTION, also for an option that is in neither list */
export function readNumbers<const Table extends Readonly<Record<string, NumberOption>>>(
  what: string,
  options: object,
  table: Table,
  others: readonly string[] = [],
): NumbersOf<Table> {
  requireKnown(what, options, [...others, ...Object.keys(table)]);
  const given = options as Readonly<Record<string, unknown>>;
  const read = Object.entries(table).map(([name, bounds]) => {
    const value = given[name] ?? bounds.standard;
    return [name, value === undefined ? value : requireNumber(name, value, bounds)];
  });
  return Object.fromEntries(read) as NumbersOf<Table>;
}

/** @throws INVALID_OPTION */
export function requireDeadline(what: string, options: { readonly deadlineMs?: number }): number {
  return readNumbers(what, options, { deadlineMs: { standard: 30_000, min: 0, max: 3_600_000 } }).deadlineMs;
}
