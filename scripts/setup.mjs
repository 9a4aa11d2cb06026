// Installs the workspace where only Node 20 or newer and npm are there. Everything it says goes to standard error,
// so that a program started after it has standard output for itself.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { capture } from './lib/process.mjs';

export const pnpm = 'pnpm@12.21.0';
const oldestNode = 20;

export const root = fileURLToPath(new URL('..', import.meta.url));

/** Where the Nodes that the lock file pins are: 24 for development and CI, 22 the oldest that users may have. */
export const pinnedNode = { 24: nodeIn('node-runtime'), 22: nodeIn('node-runtime-22') };

/**
 * What to install: `all` of it, or only what it takes to `run` programs on the memory broker. The second takes half as
 * long, and stays that quick when tools are added: it is the root's and the examples' `dependencies`.
 *
 * @typedef {'all' | 'run'} Extent
 */

/**
 * Installs what the lock file pins, unless that is there already. Ends the process when it cannot.
 *
 * @param {Extent} [extent]
 */
export async function setUp(extent = 'all') {
  try {
    requireNode(process.versions.node);
    if (isCurrent(root, extent)) return;
    // What is there in full stays so.
    await install(existsSync(join(root, 'node_modules', 'vitest')) ? 'all' : extent);
  } catch (error) {
    say(error instanceof Error ? error.message : String(error));
    process.exit(1);
  }
}

/**
 * @param {string} version
 * @throws {Error} when this Node is too old for what follows
 */
export function requireNode(version) {
  if (Number.parseInt(version, 10) >= oldestNode) return;
  throw new Error(
    `anymq needs Node ${oldestNode} or newer to set itself up; this is Node ${version}. Install a newer one.`,
  );
}

/**
 * Whether the packages that the lock file in `folder` pins are installed there, to that extent at least.
 *
 * @param {string} folder
 * @param {Extent} extent
 */
export function isCurrent(folder, extent) {
  if (!existsSync(stampFile(folder)) || !existsSync(nodeIn('node-runtime', folder))) return false;
  const stamp = readFileSync(stampFile(folder), 'utf8');
  return stamp === fingerprint(folder, 'all') || stamp === fingerprint(folder, extent);
}

/**
 * Remembers that the packages in `folder` are those of its lock file.
 *
 * @param {string} folder
 * @param {Extent} extent
 */
export function markCurrent(folder, extent) {
  mkdirSync(join(folder, 'node_modules'), { recursive: true });
  writeFileSync(stampFile(folder), fingerprint(folder, extent));
}

/** @param {Extent} extent */
async function install(extent) {
  const started = performance.now();
  say('installing what pnpm-lock.yaml pins: once, about half a minute …');
  // Whoever changed the lock file had it verified then; verifying it again would take as long as the rest.
  const args = [
    '-y',
    pnpm,
    'install',
    '--frozen-lockfile',
    '--trust-lockfile',
    ...(extent === 'run' ? ['--prod'] : []),
  ];
  const { code, output } = await capture('npx', args, {
    cwd: root,
    env: { ...process.env, CI: 'true' },
    shell: process.platform === 'win32',
  });
  if (code !== 0) throw new Error(`${output}\nanymq: could not install the packages (exit code ${code}); see above.`);
  markCurrent(root, extent);
  say(`installed in ${Math.round((performance.now() - started) / 1000)} s`);
}

/**
 * @param {string} folder
 * @param {Extent} extent
 */
function fingerprint(folder, extent) {
  const hash = createHash('sha256');
  for (const file of ['pnpm-lock.yaml', 'pnpm-workspace.yaml']) hash.update(readFileSync(join(folder, file)));
  return `${hash.digest('hex')} ${process.platform} ${process.arch} ${extent}\n`;
}

/** @param {string} folder */
function stampFile(folder) {
  return join(folder, 'node_modules', '.anymq-setup');
}

/**
 * @param {string} alias
 * @param {string} [folder]
 */
function nodeIn(alias, folder = root) {
  return join(folder, 'node_modules', alias, 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
}

/** @param {string} text */
function say(text) {
  process.stderr.write(`anymq: ${text}\n`);
}

if (process.argv[1] !== undefined && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) await setUp();
