import type { BrokerOptions, Config } from '../client-types.ts';
import type { DriverModule, ProvisionMode } from '../driver-interface.ts';
import { adapterErrors, loadDriverModule, requireModules } from './load-driver-module.ts';
import { schemeOf } from './schemes.ts';

/** Where a destination lives. */
export interface Route {
  readonly broker: string;
  /** An existing resource's own name. */
  readonly address?: string;
}

export interface ResolvedBroker {
  readonly name: string;
  readonly module: DriverModule;
  /** For `module.create`: of the parsed URL, or those of the configuration object without `driver`. May hold secrets. */
  readonly options: Readonly<Record<string, unknown>>;
}

export interface ResolvedConfig {
  readonly brokers: readonly ResolvedBroker[];
  readonly namespace: string;
  readonly provision: ProvisionMode;
  /** @throws INVALID_OPTION: several brokers, and neither a route nor a default. */
  readonly route: (destination: string) => Route;
}

/**
 * Reads and checks a configuration and loads the adapters that it names. Connects to nothing. A string is the URL of the
 * broker 'default', or the path of a JSON file in whose strings `${NAME}` is filled from the environment.
 * @throws INVALID_OPTION, ADAPTER_MISSING, UNSUPPORTED (see `loadDriverModule`)
 */
export async function loadConfig(config: string | Config, drivers?: readonly DriverModule[]): Promise<ResolvedConfig> {
  await requireModules(drivers);
  const resolve = (name: string, broker: string | BrokerOptions): Promise<ResolvedBroker> =>
    resolveBroker(name, broker, drivers);
  if (typeof config === 'string' && schemeOf(config, drivers) !== undefined) {
    const brokers = [await resolve('default', config)];
    return { brokers, namespace: 'anymq', provision: 'create', route: () => ({ broker: 'default' }) };
  }
  const { checkConfig, readConfigFile, routeOf } = await import('./configuration.ts');
  const checked = checkConfig(typeof config === 'string' ? await readConfigFile(config) : config);
  return {
    brokers: await Promise.all(Array.from(checked.brokers, ([name, broker]) => resolve(name, broker))),
    namespace: checked.namespace,
    provision: checked.provision,
    route: (destination) => routeOf(checked, destination),
  };
}

async function resolveBroker(
  name: string,
  broker: string | BrokerOptions,
  drivers?: readonly DriverModule[],
): Promise<ResolvedBroker> {
  if (typeof broker !== 'string') {
    const { driver, ...options } = broker;
    return { name, module: await loadDriverModule({ driver }, drivers), options };
  }
  const scheme = schemeOf(broker, drivers);
  if (scheme === undefined) throw (await adapterErrors()).noUrl(name);
  const module = await loadDriverModule({ scheme }, drivers);
  try {
    return { name, module, options: module.parseUrl(broker) };
  } catch (error) {
    throw (await adapterErrors()).unreadableUrl(name, module.name, broker, error);
  }
}
