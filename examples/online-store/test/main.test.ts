import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test, vi } from 'vitest';

// Whole runs, on a machine that may be busy.
vi.setConfig({ testTimeout: 60_000 });

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function store(
  args: readonly string[],
  { input = '', signalAt }: { input?: string; signalAt?: string } = {},
): Promise<Ended> {
  const child = spawn(process.execPath, ['--conditions=source', main, ...args]);
  const written = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    written.stdout += text;
    if (signalAt !== undefined && text.includes(signalAt)) child.kill('SIGINT');
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => (written.stderr += text));
  child.stdin.end(input);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, ...written }));
  });
}

test('--json prints one object and nothing else', async () => {
  const { code, stdout, stderr } = await store(['--json', '--orders', '300']);
  expect(JSON.parse(stdout)).toMatchObject({ broker: 'memory:', sent: 300, charged: 300, deadLettered: 1 });
  expect(stderr).toBe('');
  expect(code).toBe(0);
});

test('a line that cannot be read: code 1, the line on standard error, nothing on standard output', async () => {
  const { code, stdout, stderr } = await store(['--json', '--input', '-'], {
    input: '1 1 19970101 2 1.00\n1 1 19970101 2',
  });
  expect(stderr).toMatch(/^✗ Line 2: has 4; expected 5 columns/);
  expect(stdout).toBe('');
  expect(code).toBe(1);
});

test('an unknown option: code 2 and a hint', async () => {
  const { code, stdout, stderr } = await store(['--colour']);
  expect(stderr).toBe("✗ Unknown option '--colour'.\n  --help lists the options.\n");
  expect(stdout).toBe('');
  expect(code).toBe(2);
});

test('--help', async () => {
  const { code, stdout } = await store(['--help']);
  for (const option of ['--broker', '--input', '--orders', '--seed', '--json']) expect(stdout).toContain(option);
  expect(Math.max(...stdout.split('\n').map(({ length }) => length))).toBeLessThanOrEqual(80);
  expect(code).toBe(0);
});

test('Ctrl-C closes the store and ends with 130', async () => {
  const { code, stderr } = await store([], { signalAt: 'charge the orders' });
  expect(stderr).toBe('✗ Interrupted; the store was closed.\n');
  expect(code).toBe(130);
});
