import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A page of the documentation: its path from the root, with forward slashes, and its text. */
export interface Page {
  readonly path: string;
  readonly text: string;
}

/** The root of the workspace. */
export const workspace: string = join(import.meta.dirname, '..', '..');

/** README.md and docs/*.md below `root`; decision records are history, and not among them. */
export function readPages(root: string): readonly Page[] {
  const names = existsSync(join(root, 'docs')) ? readdirSync(join(root, 'docs')).toSorted() : [];
  const paths = ['README.md', ...names.filter((name) => name.endsWith('.md')).map((name) => `docs/${name}`)];
  return paths
    .filter((path) => existsSync(join(root, path)))
    .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }));
}

export function writePage(root: string, { path, text }: Page): void {
  writeFileSync(join(root, path), text);
}

/** A text of the workspace. */
export function readSource(path: string): string {
  return readFileSync(join(workspace, path), 'utf8');
}
