// Gets Docker going for brokers in containers: finds it, or on Debian and Ubuntu as root installs it and starts its daemon.
// Run as a program with the names of what is needed (docker, debootstrap), it does that, tells how it goes on standard
// error, and says on standard output why it could not.
import { spawn } from 'node:child_process';
import { existsSync, openSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { canInstall, environment, hasProgram, installPackages, remedy, thisMachine } from './docker-machine.mjs';
import { dockerState, isAlive } from './docker-state.mjs';
import { capture } from './process.mjs';

/** @typedef {import('./docker-machine.mjs').Need} Need */

const socket = 'unix:///var/run/docker.sock';
const pidFile = '/var/run/docker.pid';
const startsWithinMs = 60_000;
const state = dockerState();

/** From now on Docker's daemon is not stopped by others, if these scripts started it, before `releaseDocker` is called. */
export function joinDocker() {
  state.join();
}

/**
 * Makes sure that all that is needed is there, and that Docker's daemon answers.
 *
 * @param {readonly Need[]} needs
 * @throws {Error} when it is not and these scripts may not change that; its message holds the command that would
 */
export function ensureDocker(needs = ['docker']) {
  return state.alone(async () => {
    const problem = await dockerProblem();
    const lacksDebootstrap = needs.includes('debootstrap') && !(await hasProgram('debootstrap'));
    const lacksMaven = needs.includes('maven') && !(await hasProgram('mvn'));
    if (problem === undefined && !lacksDebootstrap && !lacksMaven) return;
    const machine = thisMachine();
    const before = runningDaemon();
    if (!canInstall(machine)) throw new Error(notHere(problem, lacksDebootstrap ? 'debootstrap' : 'maven', machine));
    if (lacksDebootstrap || !(await hasDocker())) await timed('installing Docker from Debian', () => installPackages());
    if (lacksMaven) await timed('installing Maven from Debian', () => installPackages(['maven']));
    if (problem !== undefined) await timed("starting Docker's daemon", () => startDaemon(before));
  });
}

/** Stops Docker's daemon if these scripts started it and nobody uses it any more. */
export function releaseDocker() {
  return state.alone(async () => {
    state.leave();
    const pid = state.startedDaemon();
    if (pid === undefined || !isDaemon(pid) || state.hasOtherUsers() || (await runsContainers())) return;
    await timed("stopping Docker's daemon, which was started for this", () => stopDaemon(pid));
  });
}

/** @returns {Promise<string | undefined>} what Docker's client says when its daemon does not answer */
async function dockerProblem() {
  const { code, output } = await capture('docker', ['version', '--format', '{{.Server.Version}}'], {
    env: environment,
  });
  return code === 0 ? undefined : output.trim();
}

async function hasDocker() {
  return (await hasProgram('docker')) && (await hasProgram('dockerd'));
}

/**
 * @param {string | undefined} problem Docker's; undefined when only another program is missing
 * @param {Need} missing
 * @param {import('./docker-machine.mjs').Machine} machine
 */
function notHere(problem, missing, machine) {
  if (problem === undefined) return `${missing} is missing, and only root on Debian or Ubuntu builds images here.`;
  return `Docker does not answer (${problem.split('\n')[0]}). To have it: ${remedy(problem, machine)}`;
}

/**
 * Starts the daemon and waits until it answers. Where an installation or the system started it, only waits.
 *
 * @param {number | undefined} before the daemon that ran before all this
 */
async function startDaemon(before) {
  const log = join(tmpdir(), 'anymq-dockerd.log');
  const exited = (await hasSystemd()) ? await startService() : await spawnDaemon(log);
  const deadline = Date.now() + startsWithinMs;
  while ((await dockerProblem()) !== undefined) {
    if (exited() || Date.now() > deadline) throw new Error(`${tail(log)}\nDocker's daemon does not start; see above.`);
    await delay(100);
  }
  // The one spawned here is remembered already; the one that the installation or the system has started is not. One that
  // ran before is never to be stopped, even if it did not answer.
  const now = runningDaemon();
  if (now !== undefined && now !== before) state.rememberDaemon(now);
}

function runningDaemon() {
  const pid = existsSync(pidFile) ? Number.parseInt(readFileSync(pidFile, 'utf8'), 10) : Number.NaN;
  return !Number.isNaN(pid) && isAlive(pid) ? pid : undefined;
}

/**
 * Whether the process is a Docker daemon still, and not another that got its number.
 *
 * @param {number} pid
 */
function isDaemon(pid) {
  const file = `/proc/${pid}/comm`;
  return existsSync(file) && readFileSync(file, 'utf8').trim() === 'dockerd';
}

/** @param {string} log */
async function spawnDaemon(log) {
  if ((await dockerProblem()) === undefined) return () => false;
  const output = openSync(log, 'w');
  const child = spawn('dockerd', ['--host', socket], {
    env: environment,
    detached: true,
    stdio: ['ignore', output, output],
  });
  child.on('error', () => {});
  // Remembered at once, so that it is stopped even when this process is interrupted while it starts.
  if (child.pid !== undefined) state.rememberDaemon(child.pid);
  child.unref();
  return () => child.pid === undefined || child.exitCode !== null;
}

async function startService() {
  const { code } = await capture('systemctl', ['start', 'docker'], { env: environment });
  return () => code !== 0;
}

/** @param {number} pid */
async function stopDaemon(pid) {
  if (await hasSystemd()) await capture('systemctl', ['stop', 'docker.socket', 'docker'], { env: environment });
  else process.kill(pid, 'SIGTERM');
  for (const deadline = Date.now() + startsWithinMs; isAlive(pid) && Date.now() < deadline;) await delay(50);
  state.forgetDaemon();
}

async function hasSystemd() {
  return (await capture('systemctl', ['show-environment'])).code === 0;
}

/** Containers of a run that was interrupted are about to be removed; those of `brokers up`, or another's, stay. */
async function runsContainers() {
  const deadline = Date.now() + 5000;
  for (;;) {
    const { output } = await capture('docker', ['ps', '--format', '+{{.Label "anymq.use"}}'], { env: environment });
    const uses = output.split('\n').filter((line) => line.startsWith('+'));
    if (uses.length === 0) return false;
    if (uses.some((use) => use !== '+run') || Date.now() > deadline) return true;
    await delay(200);
  }
}

/** @param {string} file */
function tail(file) {
  try {
    return readFileSync(file, 'utf8').split('\n').slice(-15).join('\n');
  } catch {
    return '';
  }
}

/**
 * @param {string} what
 * @param {() => Promise<void>} work
 */
async function timed(what, work) {
  const started = performance.now();
  process.stderr.write(`anymq: ${what} …\n`);
  await work();
  process.stderr.write(`anymq: ${what}: done in ${((performance.now() - started) / 1000).toFixed(1)} s\n`);
}

if (process.argv[1] !== undefined && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  try {
    await ensureDocker(/** @type {Need[]} */ (process.argv.slice(2)));
  } catch (error) {
    process.stdout.write(error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
  }
}
