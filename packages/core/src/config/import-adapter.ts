import { AnymqError } from '../errors.ts';
import { installLine, type KnownAdapter, packageOf } from './schemes.ts';

/**
 * What the adapter's package exports, as the application would import it: looked for from the folders of `places` upward.
 * @throws ADAPTER_MISSING, with the install line
 */
export async function importAdapter(
  adapter: KnownAdapter,
  places: readonly string[] = applicationPlaces(),
): Promise<Readonly<Record<string, unknown>>> {
  const file = resolveFrom(places, packageOf(adapter));
  if (file === undefined) throw adapterMissing(adapter, 'is not installed where the application can find it');
  try {
    const { href } = process.getBuiltinModule('node:url').pathToFileURL(file);
    return (await import(/* @vite-ignore */ /* webpackIgnore: true */ href)) as Readonly<Record<string, unknown>>;
  } catch (error) {
    throw adapterMissing(adapter, `cannot be loaded${missingPart(error)}`, error);
  }
}

export function adapterMissing(adapter: KnownAdapter, problem: string, cause?: unknown): AnymqError {
  const advice = `Install it with \`${installLine(adapter)}\`, or pass its module: connect(config, { drivers: [module] }).`;
  return new AnymqError('ADAPTER_MISSING', `${packageOf(adapter)} ${problem}. ${advice}`, { cause });
}

/** The main script, followed through links and as it was called, then the working directory. */
function applicationPlaces(): readonly string[] {
  const script = process.argv[1];
  return script === undefined ? [process.cwd()] : [realPath(script), script, process.cwd()];
}

function realPath(path: string): string {
  try {
    return process.getBuiltinModule('node:fs').realpathSync(path);
  } catch {
    return path;
  }
}

function resolveFrom(places: readonly string[], name: string): string | undefined {
  const { createRequire } = process.getBuiltinModule('node:module');
  for (const place of places) {
    try {
      // A file counts as a folder here: its own node_modules do not exist, and the search goes on above it.
      return createRequire(process.getBuiltinModule('node:path').join(place, '/')).resolve(name);
    } catch {
      // Not from here.
    }
  }
  return undefined;
}

/** Which module an adapter could not find: most often its vendor's client. A name, so safe to show. */
function missingPart(error: unknown): string {
  const found = error instanceof Error ? /Cannot find (?:package|module) '([@\w][\w./-]*)'/.exec(error.message) : null;
  return found === null ? '' : ` because '${found[1]}' is missing`;
}
