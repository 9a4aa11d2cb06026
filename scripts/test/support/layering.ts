import { posix } from 'node:path';
import { importsOf } from './imports.ts';
import { isAdapter } from './workspace.ts';
import type { Manifest, SourceFile, WorkspacePackage } from './workspace.ts';

/** One sentence per import or dependency that points the wrong way. */
export function layeringFaults(packages: readonly WorkspacePackage[]): readonly string[] {
  const adapters = packages.filter(({ folder }) => isAdapter(folder)).map(({ manifest }) => manifest.name);
  return packages.flatMap((workspacePackage) => [
    ...dependencyFaults(workspacePackage, adapters),
    ...workspacePackage.sources.flatMap((file) => importFaults(workspacePackage, file, adapters)),
  ]);
}

function dependencyFaults({ folder, manifest }: WorkspacePackage, adapters: readonly string[]): readonly string[] {
  const declared = dependenciesOf(manifest);
  const wrong = folder === 'packages/core' ? declared : declared.filter((name) => adapters.includes(name));
  return wrong.map((name) => `${folder}/package.json depends on ${name}`);
}

function dependenciesOf(manifest: Manifest): readonly string[] {
  return Object.keys({
    ...manifest.dependencies,
    ...manifest.peerDependencies,
    ...manifest.optionalDependencies,
  });
}

function importFaults({ folder }: WorkspacePackage, file: SourceFile, adapters: readonly string[]): readonly string[] {
  return importsOf(file.text)
    .filter((specifier) => !isAllowed(folder, file, specifier, adapters))
    .map((specifier) => `${file.path} imports ${specifier}`);
}

function isAllowed(folder: string, file: SourceFile, specifier: string, adapters: readonly string[]): boolean {
  if (specifier.startsWith('.')) return isInside(folder, file, specifier);
  if (specifier.startsWith('node:')) return true;
  if (folder === 'packages/core') return false;
  if (adapters.some((name) => specifier === name || specifier.startsWith(`${name}/`))) return false;
  if (!isAdapter(folder) || !specifier.startsWith('@anymq/core')) return true;
  return specifier === '@anymq/core/driver' || (specifier === '@anymq/core' && isBeside(folder, file.path));
}

/** A relative import stays in src/, and only such an entry reaches what belongs to it. */
function isInside(folder: string, file: SourceFile, specifier: string): boolean {
  const target = posix.join(posix.dirname(file.path), specifier);
  if (!target.startsWith(`${folder}/src/`)) return false;
  return !isAdapter(folder) || !isBeside(folder, target) || isBeside(folder, file.path);
}

/** What is no driver stands on the whole user API, so it may know core: what users' own tests import, and where their functions begin. */
function isBeside(folder: string, path: string): boolean {
  return ['testing', 'lambda'].some(
    (entry) => path === `${folder}/src/${entry}.ts` || path.startsWith(`${folder}/src/${entry}/`),
  );
}
