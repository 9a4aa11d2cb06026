import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { credentials } from '../src/drivers.ts';
import { shown } from '../src/member/log.ts';
import { leakedSecrets } from '../src/secrets.ts';
import { secretMark } from '../src/work.ts';

const { password } = credentials;

test('a payload and a password that were printed are found, each line of them, and nothing else', () => {
  const folder = mkdtempSync(join(tmpdir(), 'anymq-secrets-'));
  const file = join(folder, 'log');
  const planted = [
    `warn anymq: {"body":"${secretMark} ordered0-1"}`,
    `Error: connect amqp://user:${encodeURIComponent(password)}@host`,
    `AUTH ${password}`,
    `credentials ${Buffer.from(password).toString('base64')}`,
    shown(new Error('refused', { cause: new Error('inner', { cause: { options: { password } } }) })),
  ];
  writeFileSync(file, ['info anymq: fine', ...planted, 'send plain0-1: TIMEOUT', ''].join('\n'));
  expect(leakedSecrets(file)).toEqual(planted);
  rmSync(folder, { recursive: true });
});
