import { type BenchCase, type Labels, type PreparedRun, startNow } from './bench-case.ts';
import { type Spread, spreadOf } from './statistics.ts';

export interface RunnerOptions {
  /** Counted rounds. */
  readonly rounds: number;
  /** After so long no further round is begun, once three are counted. No limit by default. */
  readonly withinMs?: number;
  /** Rounds before them, which are not counted; 2 by default. */
  readonly warmUp?: number;
  /** Rounds count from 1; those that warm up come before: 0, −1. */
  readonly onProgress: (round: number, labels: Labels) => void;
}

/** Of one case, over the counted rounds. */
export interface CaseResult extends Labels {
  readonly messages: number;
  readonly messagesPerSecond: Spread;
  /** Wall time. */
  readonly microseconds: Spread;
  /** Processor time of the whole process, garbage collector and compiler included: what a busy machine distorts least. */
  readonly cpuMicroseconds: Spread;
  readonly aimMicroseconds: number | undefined;
  /** Messages a second in each round, and processor time in each: what is compared between cases is compared round by round. */
  readonly perRound: readonly { readonly messagesPerSecond: number; readonly cpuMicroseconds: number }[];
  /** Requests to the broker for each message; 0 where they are not counted. */
  readonly callsPerMessage: number;
}

/** Of one run, per message. */
interface Sample {
  readonly microseconds: number;
  readonly cpuMicroseconds: number;
  readonly calls: number;
}

const usualWarmUp = 2;
const fewest = 3;

/**
 * Runs the cases in turns, A B C … C B A …, so that what slows the machine down for a while hits all of them, and none is
 * always the one that runs after a certain other. Garbage is
 * not collected in between: a forced collection discards the compiled code that has constants of the last run's client
 * in it, and the next run, which would reuse it in any program that keeps its client, is three to six times as slow.
 */
export async function runRounds(cases: readonly BenchCase[], options: RunnerOptions): Promise<readonly CaseResult[]> {
  const measured = cases.map((benchCase) => ({ benchCase, samples: [] as Sample[] }));
  const { rounds, warmUp = usualWarmUp, withinMs = Infinity } = options;
  const endAt = performance.now() + withinMs;
  for (let round = 1 - warmUp; round <= rounds; round += 1) {
    if (round > fewest && performance.now() > endAt) break;
    for (const { benchCase, samples } of round % 2 === 0 ? measured.toReversed() : measured) {
      options.onProgress(round, benchCase.labels);
      const sample = await runOnce(benchCase);
      if (round > 0) samples.push(sample);
    }
  }
  return measured.map(({ benchCase, samples }) => resultOf(benchCase, samples));
}

async function runOnce(benchCase: BenchCase): Promise<Sample> {
  const prepared = await benchCase.prepare();
  const callsBefore = prepared.calls?.() ?? 0;
  const { microseconds, cpuMicroseconds } = await measure(prepared);
  const calls = (prepared.calls?.() ?? 0) - callsBefore;
  await prepared.finish();
  const { messages } = benchCase;
  return {
    microseconds: microseconds / messages,
    cpuMicroseconds: cpuMicroseconds / messages,
    calls: calls / messages,
  };
}

async function measure(prepared: PreparedRun): Promise<Omit<Sample, 'calls'>> {
  const called = startNow();
  await prepared.run();
  const { at, cpu } = prepared.began?.() ?? called;
  const microseconds = (performance.now() - at) * 1000;
  const { user, system } = process.cpuUsage(cpu);
  return { microseconds, cpuMicroseconds: user + system };
}

function resultOf({ labels, messages, aimMicroseconds }: BenchCase, samples: readonly Sample[]): CaseResult {
  return {
    ...labels,
    messages,
    messagesPerSecond: spreadOf(samples.map(({ microseconds }) => 1_000_000 / microseconds)),
    microseconds: spreadOf(samples.map(({ microseconds }) => microseconds)),
    cpuMicroseconds: spreadOf(samples.map(({ cpuMicroseconds }) => cpuMicroseconds)),
    aimMicroseconds,
    perRound: samples.map(({ microseconds, cpuMicroseconds }) => ({
      messagesPerSecond: 1_000_000 / microseconds,
      cpuMicroseconds,
    })),
    callsPerMessage: spreadOf(samples.map(({ calls }) => calls)).median,
  };
}
