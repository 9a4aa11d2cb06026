import { type BacklogMemory, type BacklogOptions, measureBacklog } from './cases/backlog-memory.ts';
import { memoryCases } from './cases/memory.ts';
import { choose, wordsOf } from './choose.ts';
import { collector } from './collector.ts';
import type { ComparisonRun } from './compare/run.ts';
import { backlogTable, casesTable } from './print.ts';
import { progress } from './progress.ts';
import { type Report, reportOf } from './report.ts';
import { runRounds } from './runner.ts';

const withinMs: Readonly<Record<ComparisonRun['size'], number>> = { quick: 80_000, full: 100_000 };

/** The broker in memory, and core on a driver that does next to nothing. */
export async function runMemory({ size, rounds, only }: ComparisonRun): Promise<Report> {
  const collect = collector();
  const results = await runRounds(choose(memoryCases(size), only), {
    rounds,
    withinMs: withinMs[size],
    onProgress: (round, labels) =>
      progress(`${round > 0 ? `round ${round} of ${rounds}` : 'warm-up'}: ${wordsOf(labels).join(' ')}`),
  });
  progress('');
  console.log(casesTable(results));
  const backlogs = only.length > 0 ? [] : await runBacklogs(backlogsOf(size), collect);
  return reportOf({ broker: 'memory', size, rounds: results[0]?.perRound.length ?? 0, cases: results, backlogs });
}

/** A small backlog, which is still more than a consumer may hold, beside a large one: what it holds should not differ. */
function backlogsOf(size: 'full' | 'quick'): readonly BacklogOptions[] {
  const large = size === 'quick' ? 100_000 : 1_000_000;
  const variants = size === 'quick' ? (['plain'] as const) : (['plain', 'ordered'] as const);
  return variants.flatMap((variant) => [
    { backlog: 20_000, variant },
    { backlog: large, variant },
  ]);
}

async function runBacklogs(wanted: readonly BacklogOptions[], collect: () => void): Promise<readonly BacklogMemory[]> {
  const measured: BacklogMemory[] = [];
  for (const options of wanted) {
    progress(`memory of a consumer: backlog of ${options.backlog}, ${options.variant}`);
    measured.push(await measureBacklog(options, collect));
  }
  progress('');
  console.log(`\nMemory of a consumer with a slow handler, after garbage collection\n\n${backlogTable(measured)}`);
  return measured;
}
