import type { DriverModule } from '../driver-interface.ts';
import { AnymqError } from '../errors.ts';
import { invalidOption } from '../options.ts';
import { adapterMissing, importAdapter } from './import-adapter.ts';
import { knownAdapters } from './schemes.ts';

/** How an adapter is asked for: by the scheme of a URL, or by the `driver` of a configuration object. */
export type AdapterQuery = { readonly scheme: string } | { readonly driver: string };

/**
 * The first of `drivers` that answers the query; else that of the package in core's table, resolved from the application.
 * `places` are folders to resolve it from: those of the main script and the working directory by default.
 * @throws INVALID_OPTION: unknown, or no driver module in `drivers`. ADAPTER_MISSING, with the install line.
 * UNSUPPORTED: made for another version of the driver interface.
 */
export async function loadDriverModule(
  query: AdapterQuery,
  drivers: readonly DriverModule[] = [],
  places?: readonly string[],
): Promise<DriverModule> {
  const serves = ({ name, schemes }: Pick<DriverModule, 'name' | 'schemes'>): boolean =>
    'driver' in query ? name === query.driver : schemes.includes(query.scheme);
  const given = requireModules(drivers).find(serves);
  if (given !== undefined) return requireVersion(given);

  const adapter = knownAdapters.find(({ driver, schemes }) => serves({ name: driver, schemes }));
  if (adapter === undefined) throw unknownAdapter(query, drivers);
  const modules = Object.values(await importAdapter(adapter, places)).filter(isModule);
  const found = modules.find(serves);
  if (found === undefined) throw adapterMissing(adapter, 'is installed, and exports no such driver module');
  return requireVersion(found);
}

/** @throws INVALID_OPTION: one of them is none. */
export function requireModules(drivers: readonly DriverModule[] = []): readonly DriverModule[] {
  if (Array.isArray(drivers) && drivers.every(isModule)) return drivers;
  throw invalidOption("drivers must be a list of what adapters export: import { kafka } from '@anymq/kafka'.");
}

/** Of any version, so that a wrong one can be told from none. */
function isModule(value: unknown): value is DriverModule {
  const { specificationVersion, create, schemes } = (value ?? {}) as Partial<DriverModule>;
  return typeof specificationVersion === 'number' && typeof create === 'function' && Array.isArray(schemes);
}

function requireVersion(module: DriverModule): DriverModule {
  const version: number = module.specificationVersion;
  if (version === 1) return module;
  throw new AnymqError(
    'UNSUPPORTED',
    `The driver '${module.name}' is made for version ${version} of the driver interface, and this @anymq/core for version 1. Install releases that belong together.`,
  );
}

function unknownAdapter(query: AdapterQuery, drivers: readonly DriverModule[]): AnymqError {
  const all = [...knownAdapters, ...drivers.map(({ name, schemes }) => ({ driver: name, schemes }))];
  const [asked, known] =
    'driver' in query
      ? [`driver '${query.driver}'`, all.map(({ driver }) => `'${driver}'`)]
      : [`URL scheme '${query.scheme}:'`, all.flatMap(({ schemes }) => schemes.map((scheme) => `'${scheme}:'`))];
  return invalidOption(
    `There is no ${asked}. Known: ${[...new Set(known)].join(', ')}. For another, pass its module: connect(config, { drivers: [module] }).`,
  );
}
