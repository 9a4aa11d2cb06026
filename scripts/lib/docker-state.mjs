// Remembers which Docker daemon these scripts started and who uses it, so that the last user stops it and a daemon that
// ran before stays. Kept by process ids in the folder for temporary files: whoever died does not count any more.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const stateFolder = join(tmpdir(), 'anymq-docker');

/** @param {string} [folder] */
export function dockerState(folder = stateFolder) {
  const users = join(folder, 'users');
  const daemon = join(folder, 'daemon.pid');
  const lock = join(folder, 'lock');
  mkdirSync(users, { recursive: true });
  return {
    /** This process may use Docker until it calls `leave` or ends. */
    join: () => writeFileSync(join(users, String(process.pid)), ''),
    leave: () => rmSync(join(users, String(process.pid)), { force: true }),

    /** Whether a process other than this one may be using Docker. */
    hasOtherUsers: () => readdirSync(users).some((name) => Number(name) !== process.pid && isAlive(Number(name))),

    /** @param {number} pid of the daemon that these scripts are to stop */
    rememberDaemon: (pid) => writeFileSync(daemon, String(pid)),
    forgetDaemon: () => rmSync(daemon, { force: true }),

    /** @returns {number | undefined} the process id of the daemon that these scripts started, while it lives */
    startedDaemon() {
      const pid = readNumber(daemon);
      return pid !== undefined && isAlive(pid) ? pid : undefined;
    },

    /**
     * Runs one `work` at a time, over all processes of this machine.
     *
     * @template T
     * @param {() => Promise<T>} work
     */
    async alone(work) {
      while (!take(lock)) await delay(100);
      try {
        return await work();
      } finally {
        rmSync(lock, { force: true });
      }
    },
  };
}

/** @param {string} lock */
function take(lock) {
  try {
    writeFileSync(lock, String(process.pid), { flag: 'wx' });
    return true;
  } catch {
    const holder = readNumber(lock);
    if (holder !== undefined && !isAlive(holder)) rmSync(lock, { force: true });
    return false;
  }
}

/** @param {string} file */
function readNumber(file) {
  try {
    const number = Number.parseInt(readFileSync(file, 'utf8'), 10);
    return Number.isNaN(number) ? undefined : number;
  } catch {
    return undefined;
  }
}

/** @param {number} pid */
export function isAlive(pid) {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
