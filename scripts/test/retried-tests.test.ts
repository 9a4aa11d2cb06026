import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { retriedTests } from '../lib/retried-tests.mjs';
import { root } from './support/workspace.ts';

test('of a run that passes, the tests are named that passed at a later try only', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'anymq-retried-'));
  try {
    const suite = `
      let tries = 0;
      describe('a suite', () => {
        test('that wavers', () => expect(++tries).toBe(2));
        test('that passes', () => undefined);
      });
    `;
    writeFileSync(join(folder, 'wavering.test.js'), suite);
    const report = join(folder, 'report.json');
    const args = [
      'run',
      '--globals',
      '--retry=2',
      `--root=${folder}`,
      '--reporter=json',
      `--outputFile.json=${report}`,
    ];
    await promisify(execFile)(process.execPath, [join(root, 'node_modules', 'vitest', 'vitest.mjs'), ...args]);
    expect(retriedTests(JSON.parse(readFileSync(report, 'utf8')))).toEqual([
      expect.stringMatching(/wavering\.test\.js > a suite that wavers$/),
    ]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
