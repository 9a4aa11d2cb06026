import type { Report } from '../report.ts';
import { committedReport, lastReport } from './files.ts';
import { regressionsOf } from './regressions.ts';

/** Says what got worse since the committed runs. Returns whether anything did. */
export function check(suites: readonly string[]): boolean {
  return suites.map((suite) => checkOne(suite, committedReport(suite), lastReport(suite))).includes(true);
}

function checkOne(suite: string, before: Report | undefined, now: Report | undefined): boolean {
  if (before?.against === undefined || now?.against === undefined) {
    console.log(`${suite}: ${missing(suite, before, now)}`);
    return false;
  }
  const found = regressionsOf(before, now);
  const runs = `${titleOf(now)}, beside the committed ${titleOf(before)}`;
  console.log(`${suite}: ${runs}: ${found.length === 0 ? 'nothing is worse' : 'worse is'}`);
  for (const { what, before: then, now: is } of found) {
    console.log(`  ${what}: ${is.toFixed(2)}, was ${then.toFixed(2)}`);
  }
  return found.length > 0;
}

function missing(suite: string, before: Report | undefined, now: Report | undefined): string {
  if (before === undefined) return 'no run has been committed';
  if (now === undefined) return `nothing to compare yet: npm run bench -- ${suite}`;
  return 'absolute times only, which are not compared';
}

function titleOf({ at, size, commit = 'unknown' }: Report): string {
  return `${size} run of ${at.slice(0, 10)} at ${commit.slice(0, 8)}`;
}
