/**
 * What the adapter's package exports, as the application would import it: looked for from the folders of `places` upward.
 * @throws ADAPTER_MISSING, with the install line
 */
export async function importAdapter(
  name: string,
  places: readonly string[] = applicationPlaces(),
): Promise<Readonly<Record<string, unknown>>> {
  const file = resolveFrom(places, `@anymq/${name}`);
  try {
    if (file !== undefined) {
      const { href } = process.getBuiltinModule('node:url').pathToFileURL(file);
      return (await import(/* @vite-ignore */ /* webpackIgnore: true */ href)) as Readonly<Record<string, unknown>>;
    }
  } catch (error) {
    const { adapterMissing } = await import('./adapter-errors.ts');
    throw adapterMissing(name, 'cannot be loaded', error);
  }
  const { adapterMissing } = await import('./adapter-errors.ts');
  throw adapterMissing(name, 'is not installed where the application can find it');
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
