import type { Outcome } from './run-fault.ts';

const heads = ['fault', 'driver', 'messages', 'lost', 'duplicated', 'out of order', 'deaths', 'seconds to recover'];

/** The cells of one row, in the order of the heads. */
function cells(outcome: Outcome): readonly string[] {
  const { fault, driver, confirmed, lost, duplicated, outOfOrder, deaths, recoveredAfterMs } = outcome;
  const seconds = recoveredAfterMs === null ? '–' : (recoveredAfterMs / 1000).toFixed(1);
  return [
    fault,
    driver,
    ...[confirmed, lost.length, duplicated.length, outOfOrder.length, deaths].map(String),
    seconds,
  ];
}

export function printedRow(outcome: Outcome | undefined): string {
  const widths = [22, 10, 9, 6, 11, 13, 7, 18];
  return (outcome === undefined ? heads : cells(outcome))
    .map((cell, column) => (column < 2 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
    .join(' ');
}

export function markdownTable(outcomes: readonly Outcome[]): string {
  const line = (row: readonly string[]) => `| ${row.join(' | ')} |`;
  return [line(heads), line(heads.map(() => '---')), ...outcomes.map((outcome) => line(cells(outcome)))].join('\n');
}

/** What is wrong with an outcome, in words; empty where nothing is. */
export function complaints(outcome: Outcome): readonly string[] {
  const { lost, outOfOrder, afterDeath, wronglyDead, secrets } = outcome;
  const some = {
    lost,
    'out of order': outOfOrder,
    'effect after death': afterDeath,
    'wrongly dead': wronglyDead,
    secrets,
  };
  return Object.entries(some).flatMap(([what, ids]) =>
    ids.length === 0 ? [] : [`${what} (${ids.length}): ${ids.slice(0, 5).join(', ')}`],
  );
}
