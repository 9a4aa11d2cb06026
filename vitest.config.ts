import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { defineConfig } from 'vitest/config';

// Every import of '@anymq/…' gets the TypeScript source, so tests need no build.
const conditions = ['source'];

const folders = ['packages', 'examples'].flatMap((parent) => readdirSync(parent).map((name) => join(parent, name)));
const roots = [...folders, 'benchmarks', 'faults', 'scripts'].filter((folder) => existsSync(join(folder, 'test')));

/** What a package's tests need once for the whole run, such as its broker. */
function globalSetupOf(root: string): string[] {
  const file = join(root, 'test', 'global-setup.ts');
  return existsSync(file) ? [resolve(file)] : [];
}

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  // That of the global set-up.
  environments: { __vitest__: { resolve: { conditions, externalConditions: conditions } } },
  test: {
    // A busy machine is no failure; what takes longer hangs.
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // Most suites wait for brokers: two cores carry four of them.
    maxWorkers: 4,
    // In CI a test that fails may pass at its second or third try, and `npm test` names it in its last lines: each such name is
    // a defect to be found, not one to be lived with. A person's run repeats nothing.
    retry: process.env['CI'] === 'true' ? 2 : 0,
    projects: roots.map((root) => ({
      extends: true,
      test: { name: root, root, include: ['test/**/*.test.ts'], globalSetup: globalSetupOf(root) },
    })),
  },
});
