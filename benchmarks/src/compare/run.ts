import { choose } from '../choose.ts';
import { installPeers } from '../peers.ts';
import { progress } from '../progress.ts';
import { type ContenderReport, type Report, reportOf } from '../report.ts';
import { runRounds } from '../runner.ts';
import { type BrokerSuite, type Size, useBroker } from './broker-suite.ts';
import { comparisonCases } from './cases.ts';
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
const casesWithinMs: Readonly<Record<Size, number>> = { quick: 85_000, full: 170_000 };
const latenciesWithinMs: Readonly<Record<Size, number>> = { quick: 45_000, full: 90_000 };

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
  const cases = choose(
    comparisonCases(url, contenders, {
      counts: suite.counts(size),
      timedFrom: suite.timedFrom,
    }),
    only,
  );
  const results = await runRounds(cases, {
    rounds,
    withinMs: casesWithinMs[size],
    onProgress: (round, { on, operation }) =>
      progress(`${round > 0 ? `round ${round} of ${rounds}` : 'warm-up'}: ${operation}, ${on}`),
  });
  const counted = results[0]?.perRound.length ?? 0;
  const comparisons = compare(results, suite.aims);
  progress('');
  console.log(`\n${comparisonTable(results, comparisons)}`);
  const latencies = only.length > 0 ? [] : await runLatencies(suite, size, contenders, url);
  console.log(`\n${lackList(contenders)}`);
  const against = { server, setting: suite.setting, contenders: contenders.map(reported), comparisons, latencies };
  return reportOf({ broker: suite.broker, size, rounds: counted, cases: results, backlogs: [], against });
}

async function runLatencies(
  suite: BrokerSuite,
  size: Size,
  contenders: readonly Contender[],
  url: string,
): Promise<readonly LatencyResult[]> {
  const senders = contenders.filter(({ omits = [] }) => !omits.includes('sendMany'));
  const options = { ...suite.latency(size), withinMs: latenciesWithinMs[size] };
  const latencies = await measureLatencies(url, senders, options, (round, { name }, load) =>
    progress(`latency, round ${round}: ${load}, ${name}`),
  );
  progress('');
  console.log(`\nFrom the intended time of sending to the handler, in milliseconds\n\n${latencyTable(latencies)}`);
  return latencies;
}

function reported({ name, role, version, lacks }: Contender): ContenderReport {
  return { name, role, version: version(), lacks };
}
