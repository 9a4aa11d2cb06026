import type { DriverModule } from '../driver-interface.ts';
import { AnymqError } from '../errors.ts';
import { invalidOption } from '../options.ts';
import type { AdapterQuery } from './load-driver-module.ts';
import { knownAdapters } from './schemes.ts';

// What goes wrong with adapters, in words; loaded when it does.

/** The vendors' clients: peer dependencies of the adapters. */
const clients: Readonly<Record<string, string>> = {
  'redis-streams': ' ioredis',
  rabbitmq: ' amqplib',
  kafka: ' kafkajs',
  sqs: ' @aws-sdk/client-sqs @aws-sdk/client-sns',
};

export function installLine(adapter: string): string {
  return `npm install @anymq/${adapter}${clients[adapter] ?? ''}`;
}

/** `cause` is why it could not be loaded, where it could be found. */
export function adapterMissing(adapter: string, problem: string, cause?: unknown): AnymqError {
  const text = `@anymq/${adapter} ${problem}${missingPart(cause)}. Install it with \`${installLine(adapter)}\`, or pass its module: connect(config, { drivers: [module] }).`;
  return new AnymqError('ADAPTER_MISSING', text, { cause });
}

/** Which module an adapter could not find: most often its vendor's client. A name, so safe to show. */
function missingPart(error: unknown): string {
  const found = error instanceof Error ? /Cannot find (?:package|module) '([@\w][\w./-]*)'/.exec(error.message) : null;
  return found === null ? '' : ` because '${found[1]}' is missing`;
}

export function unknownAdapter(query: AdapterQuery, drivers: readonly DriverModule[]): AnymqError {
  const all = [...knownAdapters, ...drivers];
  const [asked, known] =
    'driver' in query
      ? [`driver '${query.driver}'`, all.map(({ name }) => `'${name}'`)]
      : [`URL scheme '${query.scheme}:'`, all.flatMap(({ schemes }) => schemes.map((scheme) => `'${scheme}:'`))];
  return invalidOption(
    `There is no ${asked}. Known: ${[...new Set(known)].join(', ')}. For another, pass its module: connect(config, { drivers: [module] }).`,
  );
}

export function wrongVersion({ name, specificationVersion }: DriverModule): AnymqError {
  return new AnymqError(
    'UNSUPPORTED',
    `The driver '${name}' is made for version ${specificationVersion} of the driver interface, and this @anymq/core for version 1. Install releases that belong together.`,
  );
}

export function noModules(): AnymqError {
  return invalidOption("drivers must be a list of what adapters export: import { kafka } from '@anymq/kafka'.");
}

/**
 * What a driver throws by mistake may quote the URL, with its password; and behind a question mark that was not encoded,
 * the rest of a password reads like the name of an option.
 */
export function unreadableUrl(broker: string, driver: string, url: string, cause: unknown): AnymqError {
  if (/\?.*@/s.test(url))
    return invalidOption(
      `The URL of the broker '${broker}' has an '@' behind its '?'. Percent-encode what is reserved in user name, password and options.`,
    );
  const text = `The URL of the broker '${broker}' cannot be read by the driver '${driver}'. Check its form.`;
  return AnymqError.isInstance(cause) ? cause : new AnymqError('INVALID_OPTION', text, { cause });
}

export function noUrl(broker: string): AnymqError {
  return invalidOption(`The broker '${broker}' is no URL. Begin it with a scheme, like redis://localhost:6379.`);
}
