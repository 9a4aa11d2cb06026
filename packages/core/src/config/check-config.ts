import type { BrokerOptions, Config } from '../client-types.ts';
import { requireName } from '../destination.ts';
import type { ProvisionMode } from '../driver-interface.ts';
import { invalidOption, requireKnown, requireOneOf } from '../options.ts';
import type { Route } from './load-config.ts';

/** A configuration that was found to be sound, with its defaults. Maps, because any name may be that of a property. */
export interface CheckedConfig {
  readonly brokers: ReadonlyMap<string, string | BrokerOptions>;
  readonly routes: ReadonlyMap<string, Route>;
  readonly namespace: string;
  readonly provision: ProvisionMode;
}

/** Pure. @throws INVALID_OPTION, which never shows a URL or an option of a broker */
export function checkConfig(config: unknown): CheckedConfig {
  requireObject(config, 'The configuration', "{ brokers: { main: 'redis://localhost:6379' } }");
  requireKnown('The configuration', config, ['brokers', 'routes', 'namespace', 'provision']);
  const { brokers, routes, namespace = 'anymq', provision = 'create' } = config as Partial<Config>;
  const checked = checkBrokers(brokers);
  return {
    brokers: checked,
    routes: checkRoutes(routes, [...checked.keys()]),
    namespace: requireName('namespace', namespace),
    provision: requireOneOf('provision', provision, ['create', 'validate', 'assume']),
  };
}

/** Where a destination lives: its own route, the default '*', or the only broker. @throws INVALID_OPTION */
export function routeOf({ brokers, routes }: CheckedConfig, destination: string): Route {
  const route = routes.get(destination) ?? routes.get('*');
  if (route !== undefined) return route;
  const names = [...brokers.keys()];
  const [only] = names;
  if (only !== undefined && names.length === 1) return { broker: only };
  throw invalidOption(
    `No route says which broker '${destination}' lives on: ${list(names)}. Add routes: { '${destination}': … }, or a default: { '*': … }.`,
  );
}

function checkBrokers(brokers: unknown): CheckedConfig['brokers'] {
  requireObject(brokers, 'brokers', "{ main: 'redis://localhost:6379' }");
  const entries = Object.entries(brokers);
  if (entries.length === 0) throw invalidOption("brokers is empty. Name at least one: { main: 'memory:' }.");
  for (const [name, broker] of entries) {
    if (typeof broker === 'string' || typeof (broker as BrokerOptions | null)?.driver === 'string') continue;
    throw invalidOption(`The broker '${name}' must be a URL, or an object with a driver: { driver: 'kafka', … }.`);
  }
  return new Map(entries);
}

function checkRoutes(routes: unknown = {}, brokers: readonly string[]): CheckedConfig['routes'] {
  requireObject(routes, 'routes', `{ orders: '${brokers[0]}' }`);
  return new Map(Object.entries(routes).map(([name, route]) => [name, checkRoute(name, route, brokers)]));
}

function checkRoute(name: string, value: unknown, brokers: readonly string[]): Route {
  if (name !== '*') requireName('destination', name);
  const what = `The route of '${name}'`;
  const route = typeof value === 'string' ? { broker: value } : value;
  requireObject(route, what, "'broker', or { broker, address }");
  requireKnown(what, route, ['broker', 'address']);
  const { broker, address } = route as Partial<Route>;
  if (broker === undefined || !brokers.includes(broker)) {
    throw invalidOption(`${what} leads to no broker of the configuration. Name one of ${list(brokers)}.`);
  }
  if (address === undefined) return { broker };
  if (typeof address !== 'string' || address === '')
    throw invalidOption(`${what} needs an address that is a name, or none.`);
  if (name === '*')
    throw invalidOption(`${what} cannot have an address: every destination would share it. Give it to one of them.`);
  return { broker, address };
}

function requireObject(value: unknown, what: string, example: string): asserts value is object {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return;
  throw invalidOption(`${what} must be an object, like ${example}.`);
}

function list(names: readonly string[]): string {
  return names.map((name) => `'${name}'`).join(', ');
}
