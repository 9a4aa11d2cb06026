import { choose } from '../choose.ts';
import { installPeers } from '../peers.ts';
import { progress } from '../progress.ts';
import { type ContenderReport, type Report, reportOf } from '../report.ts';
import { runToFit } from '../run-to-fit.ts';
import { type BrokerSuite, type Size, useBroker } from './broker-suite.ts';
import { comparisonCases } from './cases.ts';
import { Failures } from './failures.ts';
import { compare } from './comparison.ts';
import { type LatencyResult, measureLatencies } from './latency.ts';
import { comparisonTable, lackList, latencyTable } from './print.ts';
import { requireSameWork } from './same-work.ts';
import type { Contender } from './contender.ts';

export interface ComparisonRun {
  readonly size: Size;
  readonly rounds: number;
  readonly only: readonly string[];
  readonly peers: boolean;
}

/** A quick run of one broker ends within three minutes, all full ones within thirty: also on a machine that is busy. */
const casesWithinMs: Readonly<Record<Size, number>> = { quick: 95_000, full: 150_000 };
const latenciesWithinMs: Readonly<Record<Size, number>> = { quick: 45_000, full: 75_000 };

/** Runs the comparison on one broker, prints it, and returns it. The broker's container is gone afterwards. */
export async function runComparison(suite: BrokerSuite, run: ComparisonRun): Promise<Report> {
  if (run.peers) await installPeers((text) => process.stderr.write(`anymq: ${text}\n`));
  const inUse = await useBroker(suite);
  try {
    return await measure(suite, run, inUse.url);
  } finally {
    await inUse.stop();
  }
}

async function measure(suite: BrokerSuite, { size, rounds, only, peers }: ComparisonRun, url: string): Promise<Report> {
  const contenders = suite.contenders().filter(({ role }) => peers || role !== 'peer');
  const server = await suite.version(url);
  console.log(`${server}, ${suite.setting}`);
  await requireSameWork(url, contenders);
  const failures = new Failures(contenders);
  const { timedFrom } = suite;
  const results = await runToFit(
    (share) => choose(comparisonCases(url, contenders, { counts: suite.counts(size), share, timedFrom }), only),
    {
      rounds,
      withinMs: casesWithinMs[size],
      onProgress: (round, { on, operation }) =>
        progress(`${round > 0 ? `round ${round} of ${rounds}` : 'warm-up'}: ${operation}, ${on}`),
      onFailure: ({ on, operation }, error) => failures.note(on, operation, error),
    },
  );
  const counted = results[0]?.perRound.length ?? 0;
  const comparisons = compare(results, suite.aims);
  progress('');
  console.log(`\n${comparisonTable(results, comparisons)}`);
  const latencies = only.length > 0 ? [] : await runLatencies(suite, size, { contenders, url, failures });
  console.log(`\n${lackList(contenders)}`);
  const reported = contenders.map((contender) => contenderReport(contender, failures));
  const against = { server, setting: suite.setting, contenders: reported, comparisons, latencies };
  return reportOf({ broker: suite.broker, size, rounds: counted, cases: results, backlogs: [], against });
}

interface Measured {
  readonly contenders: readonly Contender[];
  readonly url: string;
  readonly failures: Failures;
}

async function runLatencies(
  suite: BrokerSuite,
  size: Size,
  { contenders, url, failures }: Measured,
): Promise<readonly LatencyResult[]> {
  const senders = contenders.filter(({ omits = [] }) => !omits.includes('sendMany'));
  const options = { ...suite.latency(size), withinMs: latenciesWithinMs[size] };
  const latencies = await measureLatencies(url, senders, options, {
    onRound: (round, { name }, load) => progress(`latency, round ${round}: ${load}, ${name}`),
    onFailure: ({ name }, load, error) => failures.note(name, `latency, ${load}`, error),
  });
  progress('');
  console.log(`\nFrom the intended time of sending to the handler, in milliseconds\n\n${latencyTable(latencies)}`);
  return latencies;
}

function contenderReport({ name, role, version, lacks }: Contender, failures: Failures): ContenderReport {
  return { name, role, version: version(), lacks, failures: failures.of(name) };
}
