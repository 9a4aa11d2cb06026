// npm test: sets up, runs every check, then the tests; stops at the first check that fails.
// npm test -- ARGUMENTS: only the tests, with vitest's own arguments.
// --fast: only the quick checks. --node22: only the tests, on the oldest Node that users may have.
// --versions: only the conformance suites of the adapters, and tests of what only a server's insides carry, on other versions
// of their servers.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { allChecks } from './lib/checks.mjs';
import { joinDocker, releaseDocker } from './lib/docker.mjs';
import { handOver } from './lib/process.mjs';
import { retriedTests } from './lib/retried-tests.mjs';
import { otherVersions } from './lib/versions.mjs';
import { pinnedNode, root, setUp } from './setup.mjs';

const [mode, rest] = readArguments(process.argv.slice(2));
await setUp();
process.exitCode = await runAll();

/**
 * @param {readonly string[]} args
 * @returns {['--fast' | '--node22' | '--versions' | undefined, readonly string[]]}
 */
function readArguments(args) {
  const [first, ...others] = args;
  return first === '--fast' || first === '--node22' || first === '--versions' ? [first, others] : [undefined, args];
}

async function runAll() {
  if (mode === '--node22') return runTests(pinnedNode[22]);
  if (mode === '--versions') return runVersions();
  if (mode === undefined && rest.length > 0) return runTests(pinnedNode[24]);
  const code = await runChecks();
  return code !== 0 || mode === '--fast' ? code : runTests(pinnedNode[24], { ANYMQ_BUILT: 'true' });
}

/** One after the other, and all of them, whichever fails. */
async function runVersions() {
  const failed = [];
  for (const { title, broker, version, adapter, tests } of otherVersions) {
    console.log(`\n${title}`);
    const suite = [...['conformance', ...tests].map((name) => `packages/${adapter}/test/${name}.test.ts`), ...rest];
    const code = await runTests(pinnedNode[24], { ANYMQ_TEST_VERSIONS: `${broker}=${version}` }, suite);
    if (code !== 0) failed.push(title);
  }
  console.log(failed.length === 0 ? '✓ the suites hold on all of them' : `✗ not on ${failed.join(', ')}`);
  return failed.length === 0 ? 0 : 1;
}

async function runChecks() {
  for (const check of allChecks()) {
    if (mode === '--fast' && check.slow) continue;
    const started = performance.now();
    const { code, output } = await check.run();
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    if (code !== 0) {
      console.log(`${output}\n✗ ${check.name} failed after ${seconds} s`);
      return code;
    }
    const said = check.says?.exec(output)?.[0] ?? '';
    console.log(`✓ ${check.name.padEnd(30)} ${seconds.padStart(5)} s  ${said}`.trimEnd());
  }
  return 0;
}

/**
 * @param {string} node
 * @param {NodeJS.ProcessEnv} [env]
 * @param {readonly string[]} [args]
 */
async function runTests(node, env = {}, args = rest) {
  const folder = mkdtempSync(join(tmpdir(), 'anymq-results-'));
  const results = join(folder, 'results.json');
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
  // Whether the selected tests need Docker shows in vitest: the set-up of those that do runs the hook.
  const hook = fileURLToPath(new URL('lib/docker.mjs', import.meta.url));
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${results}`];
  joinDocker();
  const code = await handOver(node, [vitest, 'run', ...reporters, ...args], {
    env: { ...process.env, ANYMQ_DOCKER_HOOK: hook, ...env },
  });
  await releaseDocker();
  printCounts(results);
  rmSync(folder, { recursive: true, force: true });
  return code;
}

/** @param {string} file what vitest's JSON reporter wrote; missing when vitest did not get that far */
function printCounts(file) {
  try {
    const counts = JSON.parse(readFileSync(file, 'utf8'));
    const skipped = counts.numPendingTests + counts.numTodoTests;
    console.log(`${counts.numPassedTests} passed, ${counts.numFailedTests} failed, ${skipped} skipped`);
    for (const name of retriedTests(counts)) console.log(`✗ passed only when it was tried again: ${name}`);
  } catch {
    console.log('✗ the tests did not run to their end');
  }
}
