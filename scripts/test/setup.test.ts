import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { isCurrent, markCurrent, requireNode } from '../setup.mjs';
import { root } from './support/workspace.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'anymq-setup-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('set-up', () => {
  test('is needed until it has been done, and again after the lock file changes', () => {
    writeFileSync(join(folder, 'pnpm-lock.yaml'), 'first');
    writeFileSync(join(folder, 'pnpm-workspace.yaml'), '');
    pretendNode();
    expect(isCurrent(folder, 'all')).toBe(false);
    markCurrent(folder, 'all');
    expect(isCurrent(folder, 'all')).toBe(true);
    writeFileSync(join(folder, 'pnpm-lock.yaml'), 'second');
    expect(isCurrent(folder, 'all')).toBe(false);
  });

  test('in full serves the demo too, and not the other way round', () => {
    writeFileSync(join(folder, 'pnpm-lock.yaml'), '');
    writeFileSync(join(folder, 'pnpm-workspace.yaml'), '');
    pretendNode();
    markCurrent(folder, 'all');
    expect(isCurrent(folder, 'run')).toBe(true);
    markCurrent(folder, 'run');
    expect(isCurrent(folder, 'run')).toBe(true);
    expect(isCurrent(folder, 'all')).toBe(false);
  });

  test('says which Node it needs', () => {
    expect(() => requireNode('18.20.4')).toThrow(/Node 20 or newer.*Node 18\.20\.4/);
    expect(() => requireNode('20.0.0')).not.toThrow();
  });
});

describe('a program that is handed over to the pinned Node', () => {
  test('gets the arguments and standard input, has standard output for itself, and keeps its exit code', async () => {
    const program = write(`
      for await (const line of process.stdin) console.log(process.versions.node.split('.')[0], String(line), ...process.argv.slice(2));
      process.exitCode = 7;
    `);
    const child = run(program, ['--json', '-']);
    child.stdin.end('typed');
    expect(await finished(child)).toEqual({ code: 7, stdout: '24 typed --json -\n' });
  });

  test('gets SIGTERM and may end in its own way', async () => {
    const program = write(`
      process.on('SIGTERM', () => { console.log('stopping'); process.exit(3); });
      setInterval(() => {}, 1000);
      console.log('ready');
    `);
    const child = run(program, []);
    child.stdout.once('data', () => child.kill('SIGTERM'));
    expect(await finished(child)).toEqual({ code: 3, stdout: 'ready\nstopping\n' });
  });

  test('ends with 128 + the number of the signal that killed it', async () => {
    const child = run(write(`process.kill(process.pid, 'SIGKILL');`), []);
    expect(await finished(child)).toEqual({ code: 137, stdout: '' });
  });
});

function pretendNode(): void {
  const bin = join(folder, 'node_modules', 'node-runtime', 'bin');
  mkdirSync(bin, { recursive: true });
  writeFileSync(join(bin, process.platform === 'win32' ? 'node.exe' : 'node'), '');
}

function write(program: string): string {
  const file = join(folder, 'program.mjs');
  writeFileSync(file, program);
  return file;
}

function run(program: string, args: readonly string[]) {
  const script = join(root, 'scripts', 'run.mjs');
  return spawn(process.execPath, [script, program, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
}

async function finished(child: ReturnType<typeof run>) {
  let stdout = '';
  child.stdout.on('data', (chunk) => (stdout += String(chunk)));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout };
}
