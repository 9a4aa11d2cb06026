import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startMember } from '../src/member/member.ts';

test('a process that has ended holds nothing that could be measured', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'anymq-member-'));
  const ledger = join(folder, 'ledger');
  const member = startMember(
    'producer',
    { url: 'memory:', namespace: 'm', ledger, messages: 24, rate: 1, leaseMs: 1000, part: 0, parts: 1 },
    join(folder, 'log'),
  );
  await member.end();
  expect(await member.measure()).toBeUndefined();
  rmSync(folder, { recursive: true });
});
