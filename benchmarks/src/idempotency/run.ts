import { startBroker } from '@anymq/testing/brokers';
import { choose, wordsOf } from '../choose.ts';
import type { ComparisonRun } from '../compare/run.ts';
import { decimals, range, whole } from '../format.ts';
import { progress } from '../progress.ts';
import { type Report, reportOf } from '../report.ts';
import { runToFit } from '../run-to-fit.ts';
import type { CaseResult } from '../runner.ts';
import { ratioOf, type Spread } from '../statistics.ts';
import { type Column, formatTable } from '../table.ts';
import { idempotencyCases } from './cases.ts';

interface Row extends CaseResult {
  /** Messages a second, as a share of those of the same consumer without it. */
  readonly share: Spread;
}

const columns: readonly Column<Row>[] = [
  { title: 'broker', align: 'left', cell: ({ on }) => on },
  { title: 'operation', align: 'left', cell: ({ operation }) => operation },
  { title: 'protection', align: 'left', cell: ({ variant }) => variant },
  { title: 'messages/s', align: 'right', cell: ({ messagesPerSecond }) => whole(messagesPerSecond.median) },
  { title: 'µs/message', align: 'right', cell: ({ microseconds }) => decimals(microseconds.median) },
  { title: 'of without', align: 'right', cell: ({ share }) => decimals(share.median) },
  { title: 'min–max', align: 'right', cell: ({ share }) => range(share, decimals) },
];

const withinMs: Readonly<Record<ComparisonRun['size'], number>> = { quick: 100_000, full: 120_000 };

/** What it costs to run each message once: every store, and the inbox, beside the same consumer without. */
export async function runIdempotency({ size, rounds, only }: ComparisonRun): Promise<Report> {
  const [redis, postgres] = await Promise.all([
    startBroker('redis', { configuration: { appendonly: 'yes', appendfsync: 'everysec' } }),
    startBroker('postgres'),
  ]);
  try {
    const urls = { redis: redis.url, postgres: postgres.url };
    const messages = size === 'quick' ? 10_000 : 40_000;
    const results = await runToFit((share) => choose(idempotencyCases(urls, messages * share), only), {
      rounds,
      withinMs: withinMs[size],
      onProgress: (round, labels) =>
        progress(`${round > 0 ? `round ${round} of ${rounds}` : 'warm-up'}: ${wordsOf(labels).join(' ')}`),
    });
    progress('');
    console.log(
      formatTable(
        columns,
        results.map((result) => withShare(result, results)),
      ),
    );
    const counted = results[0]?.perRound.length ?? 0;
    return reportOf({ broker: 'idempotency', size, rounds: counted, cases: results, backlogs: [] });
  } finally {
    await Promise.all([redis.container.stop(), postgres.container.stop()]);
  }
}

function withShare(result: CaseResult, all: readonly CaseResult[]): Row {
  const { on, operation } = result;
  const without = all.find((each) => each.on === on && each.operation === operation && each.variant === 'without');
  const speeds = (each: CaseResult): readonly number[] =>
    each.perRound.map(({ messagesPerSecond }) => messagesPerSecond);
  return { ...result, share: ratioOf(speeds(result), speeds(without ?? result)) };
}
