import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { UsageError } from './arguments.ts';

/** A workspace of pnpm's of its own. */
const folder = join(import.meta.dirname, '..', 'peers');
const stamp = join(folder, 'node_modules', '.anymq-peers');
const require = createRequire(join(folder, 'package.json'));

/** A peer's module, typed by what the benchmark calls of it. */
export function requirePeer<Module>(name: string): Module {
  return require(name) as Module;
}

export function peerVersion(name: string): string {
  const { dependencies } = require('./package.json') as { readonly dependencies: Readonly<Record<string, string>> };
  return dependencies[name] ?? 'unknown';
}

/**
 * Installs what `peers/pnpm-lock.yaml` pins, unless that is there already. They are no part of the workspace's own set-up.
 *
 * @throws UsageError when pnpm cannot
 */
export async function installPeers(say: (text: string) => void): Promise<void> {
  const wanted = fingerprint();
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  say('installing the peers that benchmarks/peers/pnpm-lock.yaml pins: once, a few seconds …');
  // The version that the workspace is installed with; `npm run bench` knows it.
  const args = ['-y', process.env['ANYMQ_PNPM'] ?? 'pnpm', 'install', '--frozen-lockfile', '--trust-lockfile'];
  try {
    await promisify(execFile)('npx', args, {
      cwd: folder,
      env: { ...process.env, CI: 'true' },
      shell: process.platform === 'win32',
    });
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { readonly stdout?: string; readonly stderr?: string };
    throw new UsageError(`${stdout}${stderr}\nThe peers cannot be installed; --no-peers does without them.`);
  }
  writeFileSync(stamp, wanted);
}

function fingerprint(): string {
  const hash = createHash('sha256').update(readFileSync(join(folder, 'pnpm-lock.yaml')));
  return `${hash.digest('hex')} ${process.platform} ${process.arch}\n`;
}
