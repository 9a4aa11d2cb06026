import { sharedMemoryBroker, type MemoryBroker } from '@anymq/memory';
import { expect, test, vi } from 'vitest';
import { runStore } from './run-store.ts';

// Whole runs, on a machine that may be busy.
vi.setConfig({ testTimeout: 60_000 });

let runs = 0;

/** The totals must stand, whatever happens to the broker half way. */
async function runWith(trouble: (broker: MemoryBroker) => void) {
  runs += 1;
  const name = `faults-${runs}`;
  const onOutput = (text: string): void => {
    const broker = sharedMemoryBroker(name);
    if (broker !== undefined && text.includes('Half way')) trouble(broker);
  };
  const { code, stdout, stderr } = await runStore(['--broker', `memory:${name}`, '--orders', '600'], { onOutput });
  expect(stderr).toBe('');
  expect(code).toBe(0);
  return { stdout, broker: sharedMemoryBroker(name) };
}

test('confirmations that are lost make duplicates, which are caught', async () => {
  const { stdout } = await runWith(({ faults }) => faults.dropConfirmation({ times: 5 }));
  expect(stdout).toMatch(/duplicates\s+caught:\s+[1-9]/);
});

test.each<[string, (broker: MemoryBroker) => void]>([
  ['sends that are refused', ({ faults }) => faults.failSend({ times: 5 })],
  ['settlements that fail', ({ faults }) => faults.failSettle({ times: 5 })],
  ['a cut connection', ({ faults }) => faults.disconnect()],
  ['a restart of the broker', ({ faults }) => faults.restart()],
])('%s', async (_, trouble) => {
  const { broker } = await runWith(trouble);
  expect(broker?.pending).toBe(0);
});

test('a broker that hangs: the run is given up, and says what is missing and what it leaves', async () => {
  const written: string[] = [];
  const onOutput = (text: string): void => {
    if (text.includes('Half way')) sharedMemoryBroker('hangs')?.faults.pause();
  };
  const stderr = { write: (text: string) => written.push(text) };
  const ended = runStore(['--broker', 'memory:hangs', '--orders', '300'], { onOutput, stderr, patienceMs: 500 });
  await expect(ended).rejects.toThrow(
    /^Nothing has happened for 0\.5 s\. Still missing: billing lacks \d+ orders \(lines /,
  );
  expect(written.join('')).toMatch(
    /^! store-\w{8}_orders.*_stock-changes.* could not be removed: the broker has not answered for 0\.5 s\n$/,
  );
});
