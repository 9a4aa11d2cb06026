import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { faults } from './faults.ts';
import { mixture } from './faults/endurance.ts';
import type { Outcome } from './run-fault.ts';
import { soakRow, soakTable } from './soak-table.ts';
import type { SoakRow } from './soak-table.ts';
import type { SoakOutcome } from './soak.ts';
import { markdownTable, rowOf } from './table.ts';
import type { Row } from './table.ts';

const root = join(import.meta.dirname, '..', '..');
const resultsFile = join(root, 'faults', 'results.json');
const soakFile = join(root, 'faults', 'soak.json');
const page = join(root, 'docs', 'faults.md');

const listed = [...faults, mixture];

/** The last run of each fault on each driver. */
export function readResults(): readonly Row[] {
  return JSON.parse(readFileSync(resultsFile, 'utf8')) as readonly Row[];
}

/** Puts these in the place of earlier ones of the same fault and driver, and writes the page's tables. */
export function saveResults(outcomes: readonly Outcome[]): void {
  const rows = outcomes.map(rowOf);
  const isNew = (row: Row) => rows.some(({ fault, driver }) => fault === row.fault && driver === row.driver);
  const all = [...readResults().filter((row) => !isNew(row)), ...rows];
  writeFileSync(resultsFile, `${JSON.stringify(all.toSorted(byFault), undefined, 2)}\n`);
  writeFileSync(page, writtenPage());
}

/** Puts these in the place of earlier soaks of the same driver, and writes the page's tables. */
export function saveSoak(outcomes: readonly SoakOutcome[]): void {
  const rows = outcomes.map(soakRow);
  const kept = readSoak().filter(({ driver }) => !rows.some((row) => row.driver === driver));
  writeFileSync(soakFile, `${JSON.stringify([...kept, ...rows], undefined, 2)}\n`);
  writeFileSync(page, writtenPage());
}

function readSoak(): readonly SoakRow[] {
  return JSON.parse(readFileSync(soakFile, 'utf8')) as readonly SoakRow[];
}

/** The page as it has to be. */
export function writtenPage(): string {
  const list = listed.map(({ name, what }) => `| \`${name}\` | ${what} |`);
  const names = ['| fault | what happens |', '| --- | --- |', ...list].join('\n');
  const withFaults = between(readFileSync(page, 'utf8'), 'faults', names);
  return between(between(withFaults, 'results', markdownTable(readResults())), 'soak', soakTable(readSoak()));
}

function byFault(a: Row, b: Row): number {
  const place = ({ fault }: Row) => listed.findIndex(({ name }) => name === fault);
  return place(a) - place(b) || a.driver.localeCompare(b.driver);
}

function between(text: string, mark: string, part: string): string {
  const [begin, end] = [`<!-- ${mark}: begin -->`, `<!-- ${mark}: end -->`];
  const [before, rest = ''] = text.split(begin);
  return `${before}${begin}\n\n${part}\n\n${end}${rest.split(end)[1] ?? ''}`;
}
