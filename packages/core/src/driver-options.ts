import { type Clock, systemClock } from './clock.ts';
import { type Logger, silentLogger } from './logger.ts';
import { invalidOption, requireKnown } from './options.ts';

/** Options that every driver for a real broker takes, beside those of its own. Some need no `random`. */
export const commonNames = ['namespace', 'clock', 'logger'] as const;

export interface CommonOptions {
  readonly namespace?: string | undefined;
  readonly clock?: Clock | undefined;
  readonly logger?: Logger | undefined;
  readonly random?: (() => number) | undefined;
}

export interface CommonSettings {
  readonly namespace: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly random: () => number;
}

/** With their defaults. */
export function readCommon(options: CommonOptions): CommonSettings {
  return {
    namespace: options.namespace ?? 'anymq',
    clock: options.clock ?? systemClock,
    logger: options.logger ?? silentLogger,
    random: options.random ?? Math.random,
  };
}

/** @throws INVALID_OPTION */
export function requireFlag(name: string, value: unknown): boolean {
  if (typeof value === 'boolean') return value;
  throw invalidOption(`${name} must be true or false.`);
}

/** @throws INVALID_OPTION */
export function requireText(name: string, value: unknown): string {
  if (typeof value === 'string' && value !== '') return value;
  throw invalidOption(`${name} must be a text.`);
}

export type QueryKind = 'number' | 'flag' | 'text';

/**
 * Options in the query of a URL, by the kind of each. What is no number or no flag is left for the driver, which refuses it by
 * name. @throws INVALID_OPTION: an option that is not among `kinds`
 */
export function readQuery(
  what: string,
  search: URLSearchParams,
  kinds: Readonly<Record<string, QueryKind>>,
): Readonly<Record<string, unknown>> {
  const query = Object.fromEntries(search);
  requireKnown(what, query, Object.keys(kinds));
  return Object.fromEntries(Object.entries(query).map(([name, text]) => [name, valueOf(kinds[name], text)]));
}

function valueOf(kind: QueryKind | undefined, text: string): unknown {
  if (kind === 'number') return text === '' ? Number.NaN : Number(text);
  return kind === 'flag' && /^(true|false)$/.test(text) ? text === 'true' : text;
}

export interface UrlPlace {
  /** Without the brackets of an IPv6 address. May be empty. */
  readonly host: string;
  readonly port?: number;
  readonly username?: string;
  readonly password?: string;
}

/** Host, port and credentials that a URL holds, decoded. @throws INVALID_OPTION, which says nothing but `refusal` */
export function readPlace({ hostname, port, username, password }: URL, refusal: string): UrlPlace {
  return {
    host: hostname.replace(/^\[(.*)\]$/, '$1'),
    ...(port === '' ? {} : { port: Number(port) }),
    ...(username === '' ? {} : { username: decodePart(username, refusal) }),
    ...(password === '' ? {} : { password: decodePart(password, refusal) }),
  };
}

/** A percent-encoded part of a URL. @throws INVALID_OPTION, which says nothing but `refusal`: the part may be a password */
export function decodePart(text: string, refusal: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw invalidOption(refusal);
  }
}
