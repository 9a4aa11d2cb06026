import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { brokerTable, serverNames } from '../../packages/testing/src/brokers/broker-table.ts';
import { otherVersions } from '../lib/versions.mjs';
import { root } from './support/workspace.ts';

test('every version of a server that can be started is one that npm run test:versions runs', () => {
  const startable = serverNames.flatMap((name) =>
    Object.keys(brokerTable[name].versions ?? {}).map((version) => `${name} ${version}`),
  );
  expect(otherVersions.map(({ broker, version }) => `${broker} ${version}`)).toEqual(startable);
});

test.each(otherVersions)('the page of the adapter names $title', ({ title, adapter }) => {
  const page = readFileSync(join(root, 'packages', adapter, 'README.md'), 'utf8');
  for (const word of title.split(' ')) expect(page).toContain(word);
});
