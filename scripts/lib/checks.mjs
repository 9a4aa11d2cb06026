import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { capture } from './process.mjs';
import { pinnedNode, pnpm, root } from '../setup.mjs';

/** @typedef {import('./process.mjs').Finished} Finished */
/** @typedef {{ readonly name: string, readonly slow?: true, readonly says?: RegExp, run(): Promise<Finished> }} Check */

const atOnce = 2;

/** @returns {readonly Check[]} every check except the tests, in the order in which they run; `says` finds what to tell of a good one */
export function allChecks() {
  const packed = mkdtempSync(join(tmpdir(), 'anymq-packed-'));
  process.once('exit', () => rmSync(packed, { recursive: true, force: true }));
  return [
    { name: 'format', run: () => tool('oxfmt', ['--check']) },
    { name: 'lint', run: () => tool('oxlint', ['--type-aware', '--deny-warnings']) },
    { name: 'types', run: () => tool('tsc', ['-b']) },
    { name: 'unused code and dependencies', run: () => tool('knip', []) },
    { name: 'build', slow: true, run: buildPackages },
    { name: 'pack', slow: true, run: () => pack(packed) },
    { name: 'publint', slow: true, run: () => eachIn(packed, (file) => tool('publint', ['run', file, '--strict'])) },
    { name: 'types as consumers see them', slow: true, run: () => eachIn(packed, attw) },
    {
      name: 'size',
      slow: true,
      says: /(?<=Size: ).+/,
      run: () => capture(pinnedNode[24], [join(root, 'scripts', 'size.mjs')]),
    },
  ];
}

/** @param {string} file */
function attw(file) {
  return tool('attw', [file, '--profile', 'esm-only', '--no-color', '--no-emoji']);
}

/** @param {string} folder */
function pack(folder) {
  return capture('npx', ['-y', pnpm, '--recursive', '--filter', './packages/*', 'pack', '--pack-destination', folder], {
    cwd: root,
    shell: process.platform === 'win32',
  });
}

function buildPackages() {
  const names = readdirSync(join(root, 'packages'));
  return inParallel(names, (name) => tool('tsdown', ['--logLevel', 'warn'], join(root, 'packages', name)));
}

/**
 * @param {string} folder
 * @param {(file: string) => Promise<Finished>} run
 */
function eachIn(folder, run) {
  return inParallel(readdirSync(folder), (name) => run(join(folder, name)));
}

/**
 * @param {readonly string[]} items
 * @param {(item: string) => Promise<Finished>} run
 * @returns {Promise<Finished>} the outputs of those that failed, and the first code that is not 0
 */
async function inParallel(items, run) {
  if (items.length === 0) return { code: 1, output: 'nothing to check' };
  const waiting = [...items];
  /** @type {Finished[]} */
  const failed = [];
  const work = async () => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) {
      const finished = await run(item);
      if (finished.code !== 0) failed.push(finished);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return { code: failed[0]?.code ?? 0, output: failed.map(({ output }) => output).join('\n') };
}

/**
 * @param {string} name
 * @param {readonly string[]} args
 */
function tool(name, args, cwd = root) {
  const suffix = process.platform === 'win32' ? '.cmd' : '';
  return capture(join(root, 'node_modules', '.bin', name + suffix), args, { cwd, shell: suffix !== '' });
}
