// npm run bench -- [BROKER …] [--quick] [--rounds N] [--only WORDS] [--json FILE]
import { type Arguments, help, parseArguments, UsageError } from './arguments.ts';
import type { BenchCase, Labels } from './bench-case.ts';
import { type BacklogMemory, measureBacklog } from './cases/backlog-memory.ts';
import { bodyBytes } from './payload.ts';
import { backlogTable, casesTable } from './print.ts';
import { type Report, reportOf, thisMachine, writeReports } from './report.ts';
import { runRounds } from './runner.ts';
import { type Suite, suites } from './suites.ts';

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  try {
    const parsed = parseArguments(args, [...suites.keys()]);
    if (parsed.help) console.log(help);
    else await runAll(parsed, requireCollector());
    return 0;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(`✗ ${error.message}\n  --help lists the options.`);
    return 2;
  }
}

async function runAll(parsed: Arguments, collect: () => void): Promise<void> {
  const chosen = parsed.brokers.map((broker) => ({ broker, suite: suites.get(broker) as Suite }));
  const planned = chosen.map((one) => ({ ...one, cases: choose(one.suite.cases(parsed.size), parsed.only) }));
  const reports: Report[] = [];
  for (const { broker, suite, cases } of planned) {
    printTitle(broker, parsed);
    reports.push(await runSuite(broker, { suite, cases, parsed, collect }));
  }
  if (parsed.json !== undefined) writeReports(parsed.json, reports);
}

interface SuiteRun {
  readonly suite: Suite;
  readonly cases: readonly BenchCase[];
  readonly parsed: Arguments;
  readonly collect: () => void;
}

async function runSuite(broker: string, { suite, cases, parsed, collect }: SuiteRun): Promise<Report> {
  const { size, rounds, only } = parsed;
  const results = await runRounds(cases, {
    rounds,
    onProgress: (round, labels) =>
      progress(`${round > 0 ? `round ${round} of ${rounds}` : 'warm-up'}: ${wordsOf(labels).join(' ')}`),
  });
  progress('');
  console.log(casesTable(results));
  const backlogs = only.length > 0 ? [] : await runBacklogs(suite.backlogs(size), collect);
  return reportOf({ broker, size, rounds, cases: results, backlogs });
}

async function runBacklogs(
  wanted: ReturnType<Suite['backlogs']>,
  collect: () => void,
): Promise<readonly BacklogMemory[]> {
  const measured: BacklogMemory[] = [];
  for (const options of wanted) {
    progress(`memory of a consumer: backlog of ${options.backlog}, ${options.variant}`);
    measured.push(await measureBacklog(options, collect));
  }
  progress('');
  console.log(`\nMemory of a consumer with a slow handler, after garbage collection\n\n${backlogTable(measured)}`);
  return measured;
}

/** @throws UsageError when there is none */
function choose(cases: readonly BenchCase[], only: readonly string[]): readonly BenchCase[] {
  const chosen = cases.filter(({ labels }) => only.every((word) => wordsOf(labels).includes(word)));
  if (chosen.length > 0) return chosen;
  const words = [...new Set(cases.flatMap(({ labels }) => wordsOf(labels)))];
  throw new UsageError(`No case has all of the labels '${only.join(' ')}'. There are: ${words.join(', ')}.`);
}

function wordsOf({ on, operation, codec, variant }: Labels): readonly string[] {
  return [...on.split(' '), operation, codec, variant];
}

function printTitle(broker: string, { size, rounds, only }: Arguments): void {
  const { cpu, cores, platform, node } = thisMachine();
  const part = only.length > 0 ? `, only ${only.join(' ')}` : '';
  console.log(`${broker} (${size}${part}): ${bodyBytes}-byte bodies, medians of ${rounds} alternating rounds`);
  console.log(`Node ${node}, ${platform}, ${cores} × ${cpu}\n`);
}

/** One line that replaces itself, where somebody looks. */
function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001B[K${text}`);
}

/** @throws UsageError */
function requireCollector(): () => void {
  const { gc } = globalThis;
  if (gc === undefined) throw new UsageError('Node has to run with --expose-gc, as `npm run bench` does it.');
  return () => gc();
}
