import type { BacklogMemory, MemoryUse } from './cases/backlog-memory.ts';
import { decimals, range, whole } from './format.ts';
import type { CaseResult } from './runner.ts';
import { type Column, formatTable } from './table.ts';

const caseColumns: readonly Column<CaseResult>[] = [
  { title: 'on', align: 'left', cell: ({ on }) => on },
  { title: 'operation', align: 'left', cell: ({ operation }) => operation },
  { title: 'codec', align: 'left', cell: ({ codec }) => codec },
  { title: 'variant', align: 'left', cell: ({ variant }) => variant },
  { title: 'messages/s', align: 'right', cell: ({ messagesPerSecond }) => whole(messagesPerSecond.median) },
  { title: 'min–max', align: 'right', cell: ({ messagesPerSecond }) => range(messagesPerSecond, whole) },
  { title: 'µs/message', align: 'right', cell: ({ microseconds }) => decimals(microseconds.median) },
  { title: 'µs CPU', align: 'right', cell: ({ cpuMicroseconds }) => decimals(cpuMicroseconds.median) },
  { title: 'min–max', align: 'right', cell: ({ cpuMicroseconds }) => range(cpuMicroseconds, decimals) },
  { title: 'aim', align: 'right', cell: ({ aimMicroseconds: aim }) => (aim === undefined ? '' : `≤ ${decimals(aim)}`) },
];

const backlogColumns: readonly Column<BacklogMemory>[] = [
  { title: 'backlog', align: 'right', cell: ({ backlog }) => whole(backlog) },
  { title: 'variant', align: 'left', cell: ({ variant }) => variant },
  { title: 'heap before', align: 'right', cell: ({ before }) => megabytes(before.heapUsed) },
  { title: 'heap during', align: 'right', cell: ({ during }) => megabytes(during.heapUsed) },
  { title: "consumer's heap", align: 'right', cell: ({ consumer }) => megabytes(consumer.heapUsed) },
  { title: 'and bodies', align: 'right', cell: ({ consumer }) => megabytes(consumer.arrayBuffers) },
  { title: 'handled', align: 'right', cell: ({ handled }) => whole(handled) },
];

export function casesTable(results: readonly CaseResult[]): string {
  return formatTable(caseColumns, results);
}

export function backlogTable(results: readonly BacklogMemory[]): string {
  return formatTable(backlogColumns, results);
}

function megabytes(bytes: MemoryUse['heapUsed']): string {
  return `${(bytes / 1_000_000).toFixed(2)} MB`;
}
