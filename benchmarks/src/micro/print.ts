import { decimals, range, whole } from '../format.ts';
import { type Column, formatTable } from '../table.ts';
import type { PartCost } from './run.ts';

const columns: readonly Column<PartCost>[] = [
  { title: 'operation', align: 'left', cell: ({ operation }) => operation },
  { title: 'variant', align: 'left', cell: ({ variant }) => variant },
  { title: 'part', align: 'left', cell: ({ part }) => part },
  { title: 'µs CPU', align: 'right', cell: ({ microseconds }) => decimals(microseconds.median) },
  { title: 'min–max', align: 'right', cell: ({ microseconds }) => range(microseconds, decimals) },
  { title: 'bytes', align: 'right', cell: ({ bytes }) => whole(bytes.median) },
];

export function microTable(costs: readonly PartCost[]): string {
  return formatTable(columns, costs);
}
