import { isAdapter } from './workspace.ts';
import type { WorkspacePackage } from './workspace.ts';

const roles: readonly string[] = ['index', 'options', 'client', 'driver', 'sender', 'receiver', 'encoding', 'errors'];

/** One sentence per file that an adapter lacks: who knows one adapter knows all. */
export function adapterFileFaults(packages: readonly WorkspacePackage[]): readonly string[] {
  return packages
    .filter(({ folder }) => isAdapter(folder))
    .flatMap(({ folder, sources }) => {
      const present = new Set(sources.map(({ path }) => path));
      return roles
        .map((role) => `${folder}/src/${fileOf(folder, role)}.ts`)
        .filter((path) => !present.has(path))
        .map((path) => `${path} is missing`);
    });
}

/** The memory adapter has no client of a vendor: its broker is its own. */
function fileOf(folder: string, role: string): string {
  return folder === 'packages/memory' && role === 'client' ? 'broker' : role;
}
