import type { DriverModule } from '../driver-interface.ts';
import type * as AdapterErrors from './adapter-errors.ts';
import { importAdapter } from './import-adapter.ts';
import { knownAdapters, type Named } from './schemes.ts';

/** How an adapter is asked for: by the scheme of a URL, or by the `driver` of a configuration object. */
export type AdapterQuery = { readonly scheme: string } | { readonly driver: string };

/** What it fails with is loaded when it does. */
export function adapterErrors(): Promise<typeof AdapterErrors> {
  return import('./adapter-errors.ts');
}

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
  const serves = ({ name, schemes }: Named): boolean =>
    'driver' in query ? name === query.driver : schemes.includes(query.scheme);
  await requireModules(drivers);
  const found = drivers.find(serves) ?? (await findKnown());
  if (found.specificationVersion === 1) return found;
  throw (await adapterErrors()).wrongVersion(found);

  async function findKnown(): Promise<DriverModule> {
    const adapter = knownAdapters.find(serves);
    if (adapter === undefined) throw (await adapterErrors()).unknownAdapter(query, drivers);
    const exported = Object.values(await importAdapter(adapter.name, places));
    const module = exported.filter(isModule).find(serves);
    if (module !== undefined) return module;
    throw (await adapterErrors()).adapterMissing(adapter.name, 'is installed, and exports no such driver module');
  }
}

/** @throws INVALID_OPTION: one of them is none. */
export async function requireModules(drivers: readonly DriverModule[] = []): Promise<void> {
  if (!Array.isArray(drivers) || !drivers.every(isModule)) throw (await adapterErrors()).noModules();
}

/** Of any version, so that a wrong one can be told from none. */
function isModule(value: unknown): value is DriverModule {
  const { specificationVersion, create, schemes } = (value ?? {}) as Partial<DriverModule>;
  return typeof specificationVersion === 'number' && typeof create === 'function' && Array.isArray(schemes);
}
