import type { OutgoingMessage } from '@anymq/core/driver';
import { expect, test, vi } from 'vitest';
import { liar } from './liar.ts';
import { runStore } from './run-store.ts';

vi.setConfig({ testTimeout: 60_000 });

const dearer = (message: OutgoingMessage): OutgoingMessage => {
  const body = Buffer.from(message.body).toString().replace('"cents":1496', '"cents":1497');
  return message.id === 'order-3' ? { ...message, body: Buffer.from(body) } : message;
};

test('a cent that was changed on the way is found, by its line', async () => {
  const { code, stdout, stderr } = await runStore(['--orders', '20', '--json'], { drivers: [liar(dearer)] });
  const difference = 'line 3: counted as 1 CD for $14.97, but the file has 1 CD for $14.96';
  expect(stderr).toBe(['website', 'app', 'analytics'].map((group) => `✗ ${group}: ${difference}\n`).join(''));
  expect(code).toBe(1);
  const summary = JSON.parse(stdout) as { expected: { cents: number }; groups: { app: { cents: number } } };
  expect(summary.groups.app.cents).toBe(summary.expected.cents + 1);
});

test('the story says so as well', async () => {
  const { stdout } = await runStore(['--orders', '20'], { drivers: [liar(dearer)] });
  expect(stdout).toContain('The books do not match the file:');
  expect(stdout.match(/DIFFERENT/g)).toHaveLength(3);
});

test('an order that got lost on the way ends the run, by its line', async () => {
  const drivers = [liar((message) => (message.id === 'order-3' ? undefined : message))];
  const lacks = ['website', 'app', 'analytics'].map((group) => `${group} lacks 1 order (line 3)`).join('; ');
  await expect(runStore(['--orders', '20'], { drivers, patienceMs: 500 })).rejects.toThrow(
    `Nothing has happened for 0.5 s. Still missing: ${lacks}.`,
  );
});
