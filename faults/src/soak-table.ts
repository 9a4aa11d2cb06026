import type { Held } from './faults/endurance.ts';
import type { Holdings } from './member/orders.ts';
import type { SoakOutcome } from './soak.ts';
import { rowOf } from './table.ts';
import type { Row } from './table.ts';

export interface SoakRow extends Row {
  readonly minutes: number;
  readonly held: readonly Held[];
}

export function soakRow({ outcome, minutes, held }: SoakOutcome): SoakRow {
  return { ...rowOf(outcome), minutes, held };
}

const heads = [
  'driver',
  'minutes',
  'messages',
  'lost',
  'duplicated',
  'out of order',
  'deaths',
  'process',
  'heap in MB',
  'buffers in MB',
  'sockets',
  'timers',
  'listeners',
];

/** One line for each process that lived all the time. */
export function soakTable(rows: readonly SoakRow[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [
    line(heads),
    line(heads.map(() => '---')),
    ...rows.flatMap((row) => row.held.map((held) => line(cells(row, held)))),
  ].join('\n');
}

function cells(row: SoakRow, { member, first, last }: Held): readonly string[] {
  const { driver, minutes, confirmed, lost, duplicated, outOfOrder, deaths } = row;
  const change = (name: keyof Holdings, unit = 1) =>
    `${(first[name] / unit).toFixed(unit === 1 ? 0 : 1)} → ${(last[name] / unit).toFixed(unit === 1 ? 0 : 1)}`;
  return [
    driver,
    ...[minutes, confirmed, lost, duplicated, outOfOrder, deaths].map(String),
    member,
    change('heapBytes', 1e6),
    change('externalBytes', 1e6),
    change('sockets'),
    change('timers'),
    change('listeners'),
  ];
}
