import { expect, test } from 'vitest';
import type { BenchCase } from '../src/bench-case.ts';
import { runRounds } from '../src/runner.ts';

function benchCase(on: string, ran: string[], ms = 0): BenchCase {
  return {
    labels: { on, operation: 'work', codec: 'json', variant: 'ours' },
    messages: 10,
    async prepare() {
      let calls = 100;
      return {
        calls: () => calls,
        async run() {
          ran.push(on);
          calls += 5;
          for (const end = performance.now() + ms; performance.now() < end;);
        },
        finish: async () => undefined,
      };
    },
  };
}

test('cases run in turns, and backwards every other round', async () => {
  const ran: string[] = [];
  await runRounds([benchCase('a', ran), benchCase('b', ran)], { rounds: 3, warmUp: 1, onProgress: () => undefined });
  expect(ran.join('')).toBe('baabbaab');
});

test('only the rounds after the warm-up are counted', async () => {
  const [result] = await runRounds([benchCase('a', [])], { rounds: 4, onProgress: () => undefined });
  expect(result?.perRound).toHaveLength(4);
});

test('no further round begins when the time is up, but three are counted', async () => {
  const options = { rounds: 50, warmUp: 0, withinMs: 1, onProgress: () => undefined };
  const [result] = await runRounds([benchCase('a', [], 2)], options);
  expect(result?.perRound).toHaveLength(3);
});

test('requests are counted for each message, those of the preparation apart', async () => {
  const [result] = await runRounds([benchCase('a', [])], { rounds: 3, onProgress: () => undefined });
  expect(result?.callsPerMessage).toBe(0.5);
});

test('what is timed may begin later than the run', async () => {
  const late: BenchCase = {
    labels: { on: 'a', operation: 'work', codec: 'json', variant: 'ours' },
    messages: 1,
    async prepare() {
      let at = 0;
      return {
        began: () => ({ at, cpu: process.cpuUsage() }),
        async run() {
          for (const end = performance.now() + 30; performance.now() < end;);
          at = performance.now();
        },
        finish: async () => undefined,
      };
    },
  };
  const [result] = await runRounds([late], { rounds: 3, onProgress: () => undefined });
  expect(result?.microseconds.median).toBeLessThan(30_000);
});
