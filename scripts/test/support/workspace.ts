import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** A file of the workspace: its path from the root, with forward slashes, and its text. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

export type ExportTarget = string | { readonly source?: string; readonly types: string; readonly default: string };

/** What the checks read of a package.json. */
export interface Manifest {
  readonly name: string;
  readonly type?: string;
  readonly license?: string;
  readonly sideEffects?: boolean;
  readonly files?: readonly string[];
  readonly engines?: { readonly node?: string };
  readonly exports?: Readonly<Record<string, ExportTarget>>;
  readonly publishConfig?: { readonly exports?: Readonly<Record<string, ExportTarget>> };
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/** A folder of packages/. */
export interface WorkspacePackage {
  readonly folder: string;
  readonly manifest: Manifest;
  readonly sources: readonly SourceFile[];
}

export const root: string = join(import.meta.dirname, '..', '..', '..');

/** Packages that are no adapters. One that adds a capability of its own, beside core, is added here. */
const withoutBroker: ReadonlySet<string> = new Set([
  'packages/core',
  'packages/testing',
  'packages/idempotency-redis',
  'packages/idempotency-postgres',
  'packages/idempotency-dynamodb',
  'packages/outbox-postgres',
]);

export function isAdapter(folder: string): boolean {
  return !withoutBroker.has(folder);
}

export function readText(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}

export function readManifest(folder: string): Manifest {
  return JSON.parse(readText(`${folder}/package.json`)) as Manifest;
}

export function readPackages(): readonly WorkspacePackage[] {
  return foldersOf('packages').map((folder) => ({
    folder,
    manifest: readManifest(folder),
    sources: readSources(`${folder}/src`),
  }));
}

/** The folders of `parent` that hold a package. */
export function foldersOf(parent: string): readonly string[] {
  return readdirSync(join(root, parent))
    .map((name) => `${parent}/${name}`)
    .filter((folder) => existsSync(join(root, folder, 'package.json')))
    .toSorted();
}

/** Every .ts and .mjs file below `folder`. */
export function readSources(folder: string): readonly SourceFile[] {
  return filesBelow(folder)
    .filter((path) => /\.(ts|mjs)$/.test(path))
    .map((path) => ({ path, text: readText(path) }));
}

/** What is committed or about to be: every file that git knows or would add. */
export function committedPaths(): readonly string[] {
  const output = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  return output.split('\0').filter((path) => path !== '' && isFile(path));
}

export function isFile(path: string): boolean {
  return statSync(join(root, path), { throwIfNoEntry: false })?.isFile() ?? false;
}

function filesBelow(folder: string): readonly string[] {
  if (!existsSync(join(root, folder))) return [];
  const entries = readdirSync(join(root, folder), { withFileTypes: true }).filter(({ name }) => !skipped.has(name));
  return entries.flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    return entry.isDirectory() ? filesBelow(path) : [path];
  });
}

const skipped: ReadonlySet<string> = new Set(['node_modules', 'dist', '.tsc']);
