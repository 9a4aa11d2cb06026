import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { foldersOf, readSources, readText, root } from './support/workspace.ts';
import type { SourceFile } from './support/workspace.ts';

const longest = 300;
const members = [...foldersOf('packages'), ...foldersOf('examples'), 'benchmarks', 'faults'];

test(`no source is longer than ${longest} lines`, () => {
  const sources = [...members.map((folder) => `${folder}/src`), 'scripts'].flatMap(readSources);
  expect(sources.length).toBeGreaterThan(members.length);
  expect(tooLong(sources)).toEqual([]);
});

test('a longer one is found out', () => {
  const lines = 'a\n'.repeat(longest);
  expect(
    tooLong([
      { path: 'fits', text: lines },
      { path: 'long', text: `${lines}a\n` },
    ]),
  ).toEqual(['long has 301 lines']);
});

test('tsc -b checks the sources and the tests of every member', () => {
  const { references } = JSON.parse(readText('tsconfig.json')) as { references: readonly { path: string }[] };
  const folders = members.flatMap((folder) => [folder, `${folder}/test`]);
  const withCode = folders.filter((folder) => !folder.endsWith('/test') || existsSync(join(root, folder)));
  expect(references.map(({ path }) => path).toSorted()).toEqual([...withCode, 'scripts'].toSorted());
});

function tooLong(files: readonly SourceFile[]): readonly string[] {
  return files
    .map(({ path, text }) => ({ path, lines: text.split('\n').length - (text.endsWith('\n') ? 1 : 0) }))
    .filter(({ lines }) => lines > longest)
    .map(({ path, lines }) => `${path} has ${lines} lines`);
}
