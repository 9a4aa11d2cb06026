import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { viewLedger } from '../src/ledger.ts';
import { startMember } from '../src/member/member.ts';

const options = { url: 'memory:', namespace: 'm', messages: 2400, rate: 24, leaseMs: 1000, part: 0, parts: 1 };

test('a process that has ended holds nothing that could be measured', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'anymq-member-'));
  const member = startMember('producer', { ...options, ledger: join(folder, 'ledger') }, join(folder, 'log'));
  await member.end();
  expect(await member.measure()).toBeUndefined();
  expect(member.isDone).toBe(false);
  rmSync(folder, { recursive: true });
});

test('a producer that is told that it is enough ends with what it has begun, and is not started again', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'anymq-member-'));
  const ledger = join(folder, 'ledger');
  writeFileSync(ledger, '');
  const member = startMember('producer', { ...options, ledger }, join(folder, 'log'));
  await member.ready;
  member.tell({ do: 'enough' });
  await member.died();
  expect(member).toMatchObject({ isDone: true, deaths: 0 });
  const view = viewLedger(ledger);
  view.look();
  // One of each lane.
  expect(view.confirmed).toBe(24);
  rmSync(folder, { recursive: true });
});
