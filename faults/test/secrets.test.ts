import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { leakedSecrets } from '../src/secrets.ts';
import { secretMark } from '../src/work.ts';

test('a payload and a password that were printed are found, each line of them, and nothing else', () => {
  const folder = mkdtempSync(join(tmpdir(), 'anymq-secrets-'));
  const file = join(folder, 'log');
  const planted = [`warn anymq: {"body":"${secretMark} ordered0-1"}`, 'Error: connect amqp://user:s3cret-word@host'];
  writeFileSync(file, ['info anymq: fine', ...planted, 'send plain0-1: TIMEOUT', ''].join('\n'));
  expect(leakedSecrets(file, 'amqp://user:s3cret-word@127.0.0.1:5672')).toEqual(planted);
  expect(leakedSecrets(file, 'redis://127.0.0.1:6379')).toEqual(planted.slice(0, 1));
  rmSync(folder, { recursive: true });
});
