import { decimals, range, whole } from '../format.ts';
import type { CaseResult } from '../runner.ts';
import { type Column, formatTable } from '../table.ts';
import type { BrokerBacklog } from './backlog.ts';

const columns: readonly Column<CaseResult>[] = [
  { title: 'broker', align: 'left', cell: ({ on }) => on },
  { title: 'grows', align: 'left', cell: ({ operation }) => operation },
  { title: 'to', align: 'right', cell: ({ codec }) => whole(Number(codec)) },
  { title: 'work', align: 'left', cell: ({ variant }) => variant },
  { title: 'messages/s', align: 'right', cell: ({ messagesPerSecond }) => whole(messagesPerSecond.median) },
  { title: 'min–max', align: 'right', cell: ({ messagesPerSecond }) => range(messagesPerSecond, whole) },
  { title: 'µs/message', align: 'right', cell: ({ microseconds }) => decimals(microseconds.median) },
  { title: 'µs CPU', align: 'right', cell: ({ cpuMicroseconds }) => decimals(cpuMicroseconds.median) },
];

export function growthTable(results: readonly CaseResult[]): string {
  return formatTable(columns, results);
}

const backlogColumns: readonly Column<BrokerBacklog>[] = [
  { title: 'broker', align: 'left', cell: ({ on }) => on },
  { title: 'backlog', align: 'right', cell: ({ backlog }) => whole(backlog) },
  { title: "consumer's memory", align: 'right', cell: ({ consumerBytes }) => `${decimals(consumerBytes / 1e6)} MB` },
  { title: 'handled', align: 'right', cell: ({ handled }) => whole(handled) },
];

export function brokerBacklogTable(results: readonly BrokerBacklog[]): string {
  return formatTable(backlogColumns, results);
}
