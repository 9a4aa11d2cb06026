import type { BenchCase, Labels, PreparedRun } from './bench-case.ts';
import { type Spread, spreadOf } from './statistics.ts';

export interface RunnerOptions {
  /** Counted rounds; one more before them warms up. */
  readonly rounds: number;
  /** Collects garbage, so that no case pays for another one's. */
  readonly collect: () => void;
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
}

/** Of one run, per message. */
interface Sample {
  readonly microseconds: number;
  readonly cpuMicroseconds: number;
}

/** Runs the cases in turns, A B C … A B C …, so that what slows the machine down for a while hits all of them. */
export async function runRounds(cases: readonly BenchCase[], options: RunnerOptions): Promise<readonly CaseResult[]> {
  const measured = cases.map((benchCase) => ({ benchCase, samples: [] as Sample[] }));
  for (let round = 0; round <= options.rounds; round += 1) {
    for (const { benchCase, samples } of measured) {
      options.onProgress(round, benchCase.labels);
      const sample = await runOnce(benchCase, options.collect);
      if (round > 0) samples.push(sample);
    }
  }
  return measured.map(({ benchCase, samples }) => resultOf(benchCase, samples));
}

async function runOnce(benchCase: BenchCase, collect: () => void): Promise<Sample> {
  const prepared = await benchCase.prepare();
  collect();
  const { microseconds, cpuMicroseconds } = await measure(prepared);
  await prepared.finish();
  const { messages } = benchCase;
  return { microseconds: microseconds / messages, cpuMicroseconds: cpuMicroseconds / messages };
}

async function measure(prepared: PreparedRun): Promise<Sample> {
  const cpuBefore = process.cpuUsage();
  const startedAt = performance.now();
  await prepared.run();
  const microseconds = (performance.now() - startedAt) * 1000;
  const { user, system } = process.cpuUsage(cpuBefore);
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
  };
}
