import { expect, test } from 'vitest';
import { importsOf } from './support/imports.ts';
import { layeringFaults } from './support/layering.ts';
import { readPackages } from './support/workspace.ts';
import type { Manifest, WorkspacePackage } from './support/workspace.ts';

test('every import and dependency points the right way', () => {
  expect(layeringFaults(readPackages())).toEqual([]);
});

test('the sources of every package were read', () => {
  for (const { folder, sources } of readPackages()) {
    expect(sources.map(({ path }) => path)).toContain(`${folder}/src/index.ts`);
  }
});

test.each([
  ['core', 'a.ts', `import { Redis } from 'ioredis';`],
  ['core', 'a.ts', `import type { Broker } from '@anymq/memory';`],
  ['core', 'a.ts', `import { a } from '../../memory/src/index.ts';`],
  ['core', 'deep/a.ts', `export * from 'left-pad';`],
  ['core', 'a.ts', `await import('@anymq/memory');`],
  ['testing', 'a.ts', `import { memory } from '@anymq/memory';`],
  ['testing', 'a.ts', `import { clock } from '@anymq/memory/testing';`],
  ['kafka', 'sender.ts', `import { connect } from '@anymq/core';`],
  ['kafka', 'sender.ts', `import type {\n  Message,\n} from '@anymq/core';`],
  ['kafka', 'sender.ts', `import { a } from '@anymq/core/src/clock.ts';`],
  ['kafka', 'sender.ts', `import { memory } from '@anymq/memory';`],
  ['memory', 'index.ts', `import { clock } from './testing.ts';`],
  ['memory', 'index.ts', `import { clock } from './testing/clock.ts';`],
])('a %s whose %s holds %j is found out', (name, file, text) => {
  expect(layeringFaults(fixture(name, file, text))).toHaveLength(1);
});

test.each([
  ['core', 'a.ts', `import { on } from 'node:events';`],
  ['core', 'deep/a.ts', `import { b } from '../b.ts';`],
  ['core', 'a.ts', `/**\n * import { memory } from '@anymq/memory';\n */\n// import 'x';`],
  ['testing', 'a.ts', `import { connect } from '@anymq/core';\nimport { test } from 'vitest';`],
  ['kafka', 'client.ts', `import { Kafka } from 'kafkajs';\nimport type { Driver } from '@anymq/core/driver';`],
  ['memory', 'testing.ts', `import { connect } from '@anymq/core';\nimport { a } from './testing/a.ts';`],
  ['memory', 'testing/a.ts', `import { connect } from '@anymq/core';\nimport { broker } from '../broker.ts';`],
  ['kafka', 'lambda.ts', `import { createClient } from '@anymq/core';`],
])('a %s whose %s holds %j is in order', (name, file, text) => {
  expect(layeringFaults(fixture(name, file, text))).toEqual([]);
});

test.each([
  ['core', { dependencies: { ms: '1' } }],
  ['core', { peerDependencies: { ms: '1' } }],
  ['testing', { dependencies: { '@anymq/memory': '1' } }],
  ['kafka', { optionalDependencies: { '@anymq/memory': '1' } }],
])('a %s that declares %j is found out', (name, declared) => {
  expect(layeringFaults(fixture(name, 'a.ts', '', declared))).toHaveLength(1);
});

test('every form of import is seen', () => {
  const text = [
    `import 'a';`,
    `import b from "b";`,
    `import {\n  c,\n} from 'c';`,
    `export type { D } from 'd';`,
    `export * as e from 'e';`,
    `const f = await import('f');`,
    `const g = require('g');`,
    `const h = import.meta.resolve('h');`,
    `export const text = 'not one';`,
    `resolve('not one either');`,
  ].join('\n');
  expect(importsOf(text).toSorted()).toEqual(['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']);
});

function fixture(
  name: string,
  file: string,
  text: string,
  declared: Partial<Manifest> = {},
): readonly WorkspacePackage[] {
  return ['core', 'testing', 'memory', 'kafka'].map((other) => ({
    folder: `packages/${other}`,
    manifest: { name: `@anymq/${other}`, ...(other === name ? declared : {}) },
    sources: other === name ? [{ path: `packages/${other}/src/${file}`, text }] : [],
  }));
}
