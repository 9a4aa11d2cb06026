import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { pinnedNode } from '../setup.mjs';
import { exportTargets, manifestFaults } from './support/manifests.ts';
import { isFile, readManifest, readPackages, root } from './support/workspace.ts';
import type { Manifest } from './support/workspace.ts';

// npm test builds before it tests; a single test run by hand looks at a build only where there is one.
const isBuilt = process.env['ANYMQ_BUILT'] === 'true' || existsSync(join(root, 'packages/core/dist'));

test('every package.json has the same shape', () => {
  expect(readPackages().flatMap(({ folder, manifest }) => manifestFaults(folder, manifest))).toEqual([]);
});

test('every entry has its source', () => {
  const sources = readPackages().flatMap(({ folder, manifest }) => exportTargets(folder, manifest));
  expect(sources.filter((path) => !path.includes('/dist/') && !isFile(path))).toEqual([]);
});

describe.runIf(isBuilt)('after a build', () => {
  test('every entry points to files that exist', () => {
    const targets = readPackages().flatMap(({ folder, manifest }) => exportTargets(folder, manifest));
    expect(targets.filter((path) => !isFile(path))).toEqual([]);
  });

  test.each(readPackages().map(({ folder, manifest }) => [manifest.name, folder] as const))(
    'every entry of %s loads on the oldest Node for users, and says and keeps nothing',
    (name, folder) => {
      const entries = Object.keys(readManifest(folder).exports ?? {}).filter((entry) => entry !== './package.json');
      const program = entries.map((entry) => `await import('${join(name, entry)}');`).join('');
      const output = execFileSync(pinnedNode[22], ['--input-type=module', '--eval', program], {
        cwd: join(root, folder),
        encoding: 'utf8',
        timeout: 10_000,
      });
      expect(output).toBe('');
    },
  );
});

test('a package.json of another shape is found out', () => {
  const good: Manifest = {
    name: '@anymq/good',
    type: 'module',
    license: 'MIT',
    sideEffects: false,
    engines: { node: '>=22' },
    files: ['dist'],
    exports: { '.': { source: './src/a.ts', types: './dist/a.d.ts', default: './dist/a.js' } },
    publishConfig: { exports: { '.': { types: './dist/a.d.ts', default: './dist/a.js' } } },
  };
  expect(manifestFaults('packages/good', good)).toEqual([]);
  expect(exportTargets('packages/good', good)).toContain('packages/good/dist/a.d.ts');
  expect(manifestFaults('packages/bad', { ...good, sideEffects: true })).toHaveLength(1);
  expect(manifestFaults('packages/bad', { ...good, publishConfig: {} })).toHaveLength(1);
  const withoutSource = { '.': { types: './dist/a.d.ts', default: './dist/a.js' } };
  expect(manifestFaults('packages/bad', { ...good, exports: withoutSource })).toHaveLength(1);
});
