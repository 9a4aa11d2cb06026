import { expect, test } from 'vitest';
import { adapterFileFaults } from './support/adapter-files.ts';
import { readPackages } from './support/workspace.ts';
import type { WorkspacePackage } from './support/workspace.ts';

const kafka = ['index', 'options', 'client', 'driver', 'sender', 'receiver', 'encoding', 'errors'];
const memory = kafka.map((role) => (role === 'client' ? 'broker' : role));

test('every adapter has the same files in the same roles', () => {
  expect(adapterFileFaults(readPackages())).toEqual([]);
});

test('an adapter may have more files', () => {
  expect(adapterFileFaults([fixture('kafka', [...kafka, 'lanes']), fixture('memory', memory)])).toEqual([]);
});

test('a missing file is found out', () => {
  const faults = adapterFileFaults([
    fixture('kafka', kafka.slice(1)),
    fixture('memory', kafka),
    fixture('core', ['index']),
  ]);
  expect(faults).toEqual(['packages/kafka/src/index.ts is missing', 'packages/memory/src/broker.ts is missing']);
});

function fixture(name: string, files: readonly string[]): WorkspacePackage {
  const folder = `packages/${name}`;
  const sources = files.map((file) => ({ path: `${folder}/src/${file}.ts`, text: '' }));
  return { folder, manifest: { name: `@anymq/${name}` }, sources };
}
