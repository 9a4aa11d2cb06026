import type { Outcome } from './run-fault.ts';

/** What the tables show of an outcome. */
export interface Row extends Pick<Outcome, 'fault' | 'driver' | 'seed' | 'confirmed' | 'deaths' | 'recoveredAfterMs'> {
  /** Null: not measured. */
  readonly settledAfterMs: number | null;
  readonly lost: number;
  readonly duplicated: number;
  readonly outOfOrder: number;
}

/** An outcome as the tables show it. */
export function rowOf(outcome: Outcome): Row {
  const { fault, driver, seed, confirmed, lost, duplicated, outOfOrder, deaths, recoveredAfterMs, settledAfterMs } =
    outcome;
  const counted = { lost: lost.length, duplicated: duplicated.length, outOfOrder: outOfOrder.length };
  return { fault, driver, seed, confirmed, ...counted, deaths, recoveredAfterMs, settledAfterMs };
}

const heads = [
  'fault',
  'driver',
  'messages',
  'lost',
  'duplicated',
  'out of order',
  'deaths',
  'seconds to recover',
  'to settle',
];

/** The cells of one row, in the order of the heads. */
function cells(row: Row): readonly string[] {
  const { fault, driver, confirmed, lost, duplicated, outOfOrder, deaths, recoveredAfterMs, settledAfterMs } = row;
  return [
    fault,
    driver,
    ...[confirmed, lost, duplicated, outOfOrder, deaths].map(String),
    inSeconds(recoveredAfterMs),
    inSeconds(settledAfterMs),
  ];
}

function inSeconds(ms: number | null): string {
  return ms === null ? '–' : (ms / 1000).toFixed(1);
}

export function printedRow(outcome: Outcome | undefined): string {
  const widths = [22, 10, 9, 6, 11, 13, 7, 18, 10];
  return (outcome === undefined ? heads : cells(rowOf(outcome)))
    .map((cell, column) => (column < 2 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
    .join(' ');
}

export function markdownTable(rows: readonly Row[]): string {
  const line = (row: readonly string[]) => `| ${row.join(' | ')} |`;
  return [line(heads), line(heads.map(() => '---')), ...rows.map((row) => line(cells(row)))].join('\n');
}

/** What is wrong with an outcome, in words; empty where nothing is. */
export function complaints(outcome: Outcome): readonly string[] {
  const { lost, outOfOrder, afterDeath, wronglyDead, secrets, unsent } = outcome;
  const some = {
    lost,
    'out of order': outOfOrder,
    'effect after death': afterDeath,
    'wrongly dead': wronglyDead,
    secrets,
  };
  const stuck = unsent === 0 ? [] : [`never confirmed (${unsent})`];
  const found = Object.entries(some).flatMap(([what, ids]) =>
    ids.length === 0 ? [] : [`${what} (${ids.length}): ${ids.slice(0, 5).join(', ')}`],
  );
  return [...stuck, ...found];
}
