import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { labels } from './labels.ts';

/** Removes the containers that carry its mark when this process ends, in whatever way: SIGKILL and a crash included. */
export interface Guard {
  /**
   * The label, as `name=value`, that every container of this process carries from its creation.
   *
   * @throws {Error} once `remove` was called: what is created from then on might be seen by nobody
   */
  readonly mark: readonly [name: string, value: string];
  /** Lets the containers outlive the process. */
  dismiss(): void;
  /** Removes them now, and resolves when they are gone. Nothing can be started under this guard any more. */
  remove(): Promise<void>;
}

/**
 * Starts the program that waits, in a session of its own, for the end of its standard input: the kernel closes that when
 * this process is gone. testcontainers' own reaper does the same from a container, whose image no registry may have to give.
 */
export function createGuard(): Guard {
  const mark = [labels.run, randomUUID()] as const;
  const watcher = spawn(process.execPath, ['--eval', watch, mark.join('=')], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  watcher.on('error', () => {});
  watcher.stdin.on('error', () => {});
  watcher.unref();
  // A pipe is a socket to Node; it must not keep the process alive.
  (watcher.stdin as unknown as { unref?: () => void }).unref?.();
  let isOver = false;
  return {
    get mark() {
      if (isOver) throw new Error('Interrupted: no container is started any more.');
      return mark;
    },
    dismiss() {
      watcher.stdin.end('dismissed');
    },
    async remove() {
      isOver = true;
      const gone = new Promise((resolve) => watcher.on('exit', resolve).on('error', resolve));
      watcher.ref();
      watcher.stdin.end();
      await gone;
    },
  };
}

// A container that was being created when the process ended shows a little later: look until several looks found nothing.
const watch = `
const { spawnSync } = require('node:child_process');
const docker = (...args) => spawnSync('docker', args, { encoding: 'utf8', windowsHide: true });
let told = '';
process.stdin.on('data', (chunk) => (told += chunk));
process.stdin.on('end', async () => {
  if (told !== '') return;
  for (let empty = 0; empty < 4; ) {
    const { status, stdout } = docker('ps', '--all', '--quiet', '--filter', 'label=' + process.argv[1]);
    if (status !== 0) return;
    const ids = stdout.split('\\n').filter(Boolean);
    if (ids.length > 0) docker('rm', '--force', '--volumes', ...ids);
    empty = ids.length > 0 ? 0 : empty + 1;
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
});
`;

let guard: Guard | undefined;

/** The guard over everything that this process starts for itself. */
export function processGuard(): Guard {
  guard ??= createGuard();
  return guard;
}
