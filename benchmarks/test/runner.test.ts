import { expect, test } from 'vitest';
import type { BenchCase } from '../src/bench-case.ts';
import { runRounds } from '../src/runner.ts';

let clock = 0;
const unhurried = { rounds: 50, warmUp: 0, now: () => clock, onProgress: () => undefined };

/** One that takes so long by the clock above. */
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
          clock += ms;
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
  const [result] = await runRounds([benchCase('a', [], 40)], { ...unhurried, withinMs: 100 });
  expect(result?.perRound).toHaveLength(3);
});

test('a round that runs on a fifth beyond the time is broken off, and does not count', async () => {
  const ran: string[] = [];
  const results = await runRounds([benchCase('a', ran, 70), benchCase('b', ran)], { ...unhurried, withinMs: 100 });
  expect(ran.join('')).toBe('abba');
  expect(results.map(({ perRound }) => perRound.length)).toEqual([2, 2]);
});

test('when the time is up before one round is counted, the warm-up is, and without one there is no result', async () => {
  const slow = benchCase('a', [], 130);
  const [result] = await runRounds([slow], { ...unhurried, warmUp: 1, withinMs: 100 });
  expect(result?.perRound).toHaveLength(1);
  const run = runRounds([benchCase('b', []), slow], { ...unhurried, warmUp: 1, withinMs: 100 });
  await expect(run).rejects.toThrow('Not one round');
});

test('a case that fails is told and left out, and keeps none of the others from being measured', async () => {
  const failing: BenchCase = { ...benchCase('b', []), prepare: () => Promise.reject(new Error('refused')) };
  const told: string[] = [];
  const results = await runRounds([benchCase('a', []), failing], {
    rounds: 3,
    onProgress: () => undefined,
    onFailure: ({ on }, error) => told.push(`${on}: ${String(error)}`),
  });
  expect(told).toEqual(['b: Error: refused']);
  expect(results.map(({ on, perRound }) => [on, perRound.length])).toEqual([['a', 3]]);
  await expect(runRounds([failing], { rounds: 3, onProgress: () => undefined })).rejects.toThrow('refused');
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
