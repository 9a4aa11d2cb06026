import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const src = fileURLToPath(new URL('../src', import.meta.url));

/** The modules, by their paths in src, that a source loads while it runs. */
function loadedBy(path: string): readonly string[] {
  const imports = readFileSync(join(src, path), 'utf8').matchAll(/\bimport\(\s*'([^']+)'/g);
  return Array.from(imports, ([, specifier = '']) => join(dirname(path), specifier));
}

test('every part that a client loads when it is needed is loaded before a test on a virtual clock', () => {
  // What connect loads of src/config it has loaded before there is a client, and a clock that anyone waits for.
  const sources = globSync('**/*.ts', { cwd: src }).filter((path) => !/^config\/|^load-parts\.ts$/.test(path));
  const parts = new Set(sources.flatMap(loadedBy));
  expect(parts).toContain('produce/extras.ts');
  expect([...parts].toSorted()).toEqual(loadedBy('load-parts.ts').toSorted());
});
