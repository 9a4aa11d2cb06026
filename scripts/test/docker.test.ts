import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { canInstall, isDebianRelease, remedy, thisMachine } from '../lib/docker-machine.mjs';
import { dockerState } from '../lib/docker-state.mjs';
import { root } from './support/workspace.ts';

const laptop = { platform: 'linux', isRoot: false, isDebian: true };

describe('Docker is installed', () => {
  test('only on Debian and Ubuntu as root', () => {
    expect(canInstall({ ...laptop, isRoot: true })).toBe(true);
    expect(canInstall(laptop)).toBe(false);
    expect(canInstall({ ...laptop, isRoot: true, isDebian: false })).toBe(false);
    expect(canInstall({ ...laptop, isRoot: true, platform: 'darwin' })).toBe(false);
  });

  test.each([
    ['ID=debian\n', true],
    ['NAME="Ubuntu"\nID=ubuntu\nID_LIKE=debian\n', true],
    ['ID=linuxmint\nID_LIKE="ubuntu debian"\n', true],
    ['ID=fedora\n', false],
    ['ID=x\nHOME_URL="https://example.com/debian"\n', false],
  ])('where os-release is %j: %s', (release, debian) => {
    expect(isDebianRelease(release)).toBe(debian);
  });
});

test.each([
  ['spawn docker ENOENT', laptop, /apt-get install .*docker\.io .*debootstrap/],
  ['spawn docker ENOENT', { ...laptop, isDebian: false }, /get\.docker\.com/],
  ['spawn docker ENOENT', { ...laptop, platform: 'darwin' }, /brew/],
  ['permission denied while trying to connect', laptop, /usermod -aG docker/],
  ['Cannot connect to the Docker daemon', laptop, /systemctl start docker/],
  ['Cannot connect to the Docker daemon', { ...laptop, platform: 'win32' }, /docker desktop start/],
])('who sees %j on %j is told one command', (problem, machine, command) => {
  expect(remedy(problem, machine)).toMatch(command);
});

describe('the daemon that was started', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'anymq-state-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  test('is kept while another process that lives uses it', () => {
    const state = dockerState(folder);
    state.join();
    expect(state.hasOtherUsers()).toBe(false);
    writeFileSync(join(folder, 'users', String(process.ppid)), '');
    expect(state.hasOtherUsers()).toBe(true);
    rmSync(join(folder, 'users', String(process.ppid)));
    writeFileSync(join(folder, 'users', String(noProcess)), '');
    expect(state.hasOtherUsers()).toBe(false);
  });

  test('is remembered while it lives', () => {
    const state = dockerState(folder);
    expect(state.startedDaemon()).toBeUndefined();
    state.rememberDaemon(process.ppid);
    expect(state.startedDaemon()).toBe(process.ppid);
    state.rememberDaemon(noProcess);
    expect(state.startedDaemon()).toBeUndefined();
  });

  test("is started and stopped by one process at a time; a lock whose holder died is nobody's", async () => {
    const state = dockerState(folder);
    writeFileSync(join(folder, 'lock'), String(noProcess));
    const order: string[] = [];
    const work = (name: string) => async () => {
      order.push(`${name} begins`);
      // Takes its time, in which the other would begin if it could.
      await new Promise((resolve) => setTimeout(resolve, 20));
      order.push(`${name} ends`);
    };
    await Promise.all([state.alone(work('first')), state.alone(work('second'))]);
    expect(order.map((event) => event.split(' ')[1])).toEqual(['begins', 'ends', 'begins', 'ends']);
  });
});

describe.runIf(canInstall(thisMachine()))('where Docker is missing, on Debian as root,', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'anymq-no-docker-'));
    program('systemctl', 'exit 1');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  test('it is installed, even if apt knows nothing yet, started, and stopped at the end', async () => {
    program('apt-get', `case $1 in update) touch updated;; *) test -e updated;; esac`);
    program('docker', `case $1 in version) test -e up;; esac`);
    program('dockerd', `touch up; while :; do sleep 0.1; done`);
    const { stderr } = await ensureAndRelease();
    expect(logged()).toEqual([
      expect.stringMatching(/^apt-get install .*docker\.io/),
      'apt-get update',
      expect.stringMatching(/^apt-get install .*docker\.io/),
      expect.stringMatching(/^dockerd --host unix:/),
    ]);
    expect(stderr).toMatch(/installing Docker[^]*starting Docker[^]*stopping Docker/);
  });

  test('and only Maven is missing, only that is installed', async () => {
    program('docker', '');
    program('debootstrap', '');
    program('mvn', '');
    program('apt-get', '');
    await ensureAndRelease(['maven']);
    expect(logged()).toEqual(['apt-get install -y --no-install-recommends maven']);
  });

  test('and its daemon does not start, its last words are told', async () => {
    program('apt-get', '');
    program('docker', `test $1 = --version`);
    program('dockerd', `echo 'no such kernel module'; exit 1`);
    await expect(ensureAndRelease()).rejects.toMatchObject({
      stderr: expect.stringMatching(/no such kernel module[^]*does not start/) as string,
    });
  });

  /** Stands in for a program of the machine; only what changes the machine is logged. */
  function program(name: string, script: string): void {
    const log = ['docker', 'systemctl'].includes(name)
      ? ''
      : `case "$*" in --version) exit 127;; esac; echo "${name} $*" >> log\n`;
    writeFileSync(join(folder, name), `#!/bin/sh\ncd ${folder}\n${log}${script}\n`, { mode: 0o755 });
  }

  function ensureAndRelease(needs = ['docker', 'debootstrap']) {
    const module = JSON.stringify(join(root, 'scripts', 'lib', 'docker.mjs'));
    const program = `
      const { ensureDocker, joinDocker, releaseDocker } = await import(${module});
      joinDocker();
      await ensureDocker(${JSON.stringify(needs)});
      await releaseDocker();
    `;
    const env = { ...process.env, PATH: `${folder}:${process.env['PATH']}`, TMPDIR: folder };
    return promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program], { env });
  }

  function logged(): readonly string[] {
    return readFileSync(join(folder, 'log'), 'utf8').trim().split('\n');
  }
});

describe('npm run brokers', () => {
  const given = {
    ANYMQ_TEST_REDIS_URL: 'redis://127.0.0.1:1',
    ANYMQ_TEST_RABBITMQ_URL: 'amqp://127.0.0.1:2',
    ANYMQ_TEST_KAFKA_URL: 'kafka://127.0.0.1:3',
    ANYMQ_TEST_SQS_URL: 'sqs://eu-west-1?endpoint=http://127.0.0.1:4',
  };
  const urls = {
    redis: 'redis://127.0.0.1:1',
    rabbitmq: 'amqp://127.0.0.1:2',
    kafka: 'kafka://127.0.0.1:3',
    sqs: 'sqs://eu-west-1?endpoint=http://127.0.0.1:4',
  };

  test.each([['up'], ['status']])('-- %s --json prints one object of URLs and nothing else', async (command) => {
    expect(await brokers([command, '--json'], given)).toEqual({ stdout: `${JSON.stringify(urls)}\n`, stderr: '' });
    expect((await brokers([command, 'redis', '--json'], given)).stdout).toBe('{"redis":"redis://127.0.0.1:1"}\n');
  });

  test('-- up starts a store only when it is named', async () => {
    const withStore = { ...given, ANYMQ_TEST_POSTGRES_URL: 'postgres://127.0.0.1:5' };
    expect(JSON.parse((await brokers(['up', '--json'], withStore)).stdout)).toEqual(urls);
    expect((await brokers(['up', 'postgres', '--json'], withStore)).stdout).toBe(
      '{"postgres":"postgres://127.0.0.1:5"}\n',
    );
  });

  test('-- up prints a table for people', async () => {
    expect((await brokers(['up', 'redis'], given)).stdout).toBe(
      'redis      redis://127.0.0.1:1  from the environment\n',
    );
  });

  test.each([[[]], [['start']], [['up', 'nats']]])('-- %j says how it is used', async (args) => {
    await expect(brokers(args, given)).rejects.toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(/up \| down \| status/) as string,
    });
  });
});

// Above the greatest process id that Linux gives.
const noProcess = 2 ** 22 + 1;

function brokers(args: readonly string[], env: NodeJS.ProcessEnv) {
  const program = join(root, 'scripts', 'lib', 'docker-brokers.mjs');
  return promisify(execFile)(process.execPath, ['--conditions=source', program, ...args], {
    env: { ...process.env, ...env },
  });
}
