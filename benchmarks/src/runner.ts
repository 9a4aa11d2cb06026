import { type BenchCase, type Labels, type PreparedRun, startNow } from './bench-case.ts';
import { type Spread, spreadOf } from './statistics.ts';
import { within } from './within.ts';

export interface RunnerOptions {
  /** Counted rounds. */
  readonly rounds: number;
  /**
   * After so long no further round is begun, once three are counted; a fifth later the round that runs is broken off, and
   * what was counted before it is the result: one round of the warm-up, when that is all. No limit by default.
   */
  readonly withinMs?: number;
  /** What `withinMs` is told by; `performance.now` by default. */
  readonly now?: () => number;
  /** Rounds before them, which are not counted; 2 by default. */
  readonly warmUp?: number;
  /** Rounds count from 1; those that warm up come before: 0, −1. */
  readonly onProgress: (round: number, labels: Labels) => void;
  /** Of a case that failed, or hung: it is left out, of the rounds before too. Without it, the run rejects. */
  readonly onFailure?: (labels: Labels, error: unknown) => void;
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
/** What takes longer hangs. */
const caseWithinMs = 30_000;

/**
 * Runs the cases in turns, A B C … C B A …, so that what slows the machine down for a while hits all of them, and none is
 * always the one that runs after a certain other. Garbage is
 * not collected in between: a forced collection discards the compiled code that has constants of the last run's client
 * in it, and the next run, which would reuse it in any program that keeps its client, is three to six times as slow.
 *
 * @throws Error when the time was up before one round was done
 */
export async function runRounds(cases: readonly BenchCase[], options: RunnerOptions): Promise<readonly CaseResult[]> {
  const { rounds, warmUp = usualWarmUp, withinMs = Infinity, now = () => performance.now() } = options;
  const startedAt = now();
  const isLate = (times: number): boolean => now() > startedAt + withinMs * times;
  const counted: Samples[] = [];
  let warm: Samples | undefined;
  let left = cases;
  for (let round = 1 - warmUp; round <= rounds && !(round > fewest && isLate(1)); round += 1) {
    const samples: Samples = new Map();
    for (const benchCase of round % 2 === 0 ? left.toReversed() : left) {
      if (isLate(overrun)) break;
      options.onProgress(round, benchCase.labels);
      const sample = await runSafely(benchCase, options);
      if (sample === undefined) left = left.filter((one) => one !== benchCase);
      else samples.set(benchCase, sample);
    }
    if (samples.size < left.length) break;
    if (round > 0) counted.push(samples);
    else warm = samples;
  }
  if (counted.length === 0 && warm !== undefined) counted.push(warm);
  if (counted.length === 0) throw new Error(`Not one round was done within ${Math.round(withinMs / 1000)} s.`);
  return left.map((benchCase) =>
    resultOf(
      benchCase,
      counted.flatMap((samples) => samples.get(benchCase) ?? []),
    ),
  );
}

type Samples = Map<BenchCase, Sample>;

async function runSafely(benchCase: BenchCase, { onFailure }: RunnerOptions): Promise<Sample | undefined> {
  const { on, operation } = benchCase.labels;
  try {
    return await within(caseWithinMs, `${on}: ${operation}`, () => runOnce(benchCase));
  } catch (error) {
    if (onFailure === undefined) throw error;
    onFailure(benchCase.labels, error);
    return undefined;
  }
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
