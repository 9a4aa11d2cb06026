import { type BenchCase, type Labels, type PreparedRun, startNow } from './bench-case.ts';
import { type Spread, spreadOf } from './statistics.ts';

export interface RunnerOptions {
  /** Counted rounds. */
  readonly rounds: number;
  /**
   * After so long no further round is begun, once three are counted; a fifth later the round that runs is broken off, and
   * what was counted before it is the result. No limit by default.
   */
  readonly withinMs?: number;
  /** What `withinMs` is told by; `performance.now` by default. */
  readonly now?: () => number;
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
/** Of the time, in which a round may still run on. */
const overrun = 1.2;

/**
 * Runs the cases in turns, A B C … C B A …, so that what slows the machine down for a while hits all of them, and none is
 * always the one that runs after a certain other. Garbage is
 * not collected in between: a forced collection discards the compiled code that has constants of the last run's client
 * in it, and the next run, which would reuse it in any program that keeps its client, is three to six times as slow.
 *
 * @throws Error when the time was up before one round was counted
 */
export async function runRounds(cases: readonly BenchCase[], options: RunnerOptions): Promise<readonly CaseResult[]> {
  const { rounds, warmUp = usualWarmUp, withinMs = Infinity, now = () => performance.now(), onProgress } = options;
  const startedAt = now();
  const isLate = (times: number): boolean => now() > startedAt + withinMs * times;
  const counted: (readonly Sample[])[] = [];
  for (let round = 1 - warmUp; round <= rounds && !(round > fewest && isLate(1)); round += 1) {
    const samples = await runRound(cases, { isReversed: round % 2 === 0, isOver: () => isLate(overrun) }, (one) =>
      onProgress(round, one.labels),
    );
    if (samples === undefined) break;
    if (round > 0) counted.push(samples);
  }
  if (counted.length === 0) throw new Error(`Not one round was done within ${Math.round(withinMs / 1000)} s.`);
  return cases.map((benchCase, index) =>
    resultOf(
      benchCase,
      counted.map((samples) => samples[index] as Sample),
    ),
  );
}

/** In the order of the cases, whichever way round they ran. Undefined when it was over before all had run. */
async function runRound(
  cases: readonly BenchCase[],
  { isReversed, isOver }: { readonly isReversed: boolean; readonly isOver: () => boolean },
  onCase: (benchCase: BenchCase) => void,
): Promise<readonly Sample[] | undefined> {
  const samples: Sample[] = [];
  for (const benchCase of isReversed ? cases.toReversed() : cases) {
    if (isOver()) return undefined;
    onCase(benchCase);
    samples.push(await runOnce(benchCase));
  }
  return isReversed ? samples.toReversed() : samples;
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
