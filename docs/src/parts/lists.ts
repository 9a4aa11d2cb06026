import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { adapters, workspace } from '../pages.ts';

/** The records of decisions, by their headings. */
export function decisionList(): string {
  const names = readdirSync(join(workspace, 'docs', 'adr')).toSorted();
  return names.map((name) => `- [${headingOf(join('docs', 'adr', name))}](adr/${name})`).join('\n');
}

/** The packages that have a page of their own, and what each is. */
export function packageList(): string {
  const folders = ['core', 'memory', ...adapters.map(({ folder }) => folder), 'testing'];
  return folders
    .map((folder) => `- [@anymq/${folder}](../packages/${folder}/README.md): ${aboutOf(folder)}`)
    .join('\n');
}

function headingOf(path: string): string {
  const [first = ''] = readFileSync(join(workspace, path), 'utf8').split('\n', 1);
  return first.replace(/^# /, '');
}

function aboutOf(folder: string): string {
  const manifest = readFileSync(join(workspace, 'packages', folder, 'package.json'), 'utf8');
  return (JSON.parse(manifest) as { readonly description: string }).description;
}
