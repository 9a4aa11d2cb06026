import { decimals, range, whole } from '../format.ts';
import type { CaseResult } from '../runner.ts';
import type { Spread } from '../statistics.ts';
import { type Column, formatTable } from '../table.ts';
import type { Comparison } from './comparison.ts';
import type { Contender } from './contender.ts';
import type { LatencyResult } from './latency.ts';

interface Row {
  readonly result: CaseResult;
  readonly comparison: Comparison | undefined;
}

const columns: readonly Column<Row>[] = [
  { title: 'operation', align: 'left', cell: ({ result }) => result.operation },
  { title: 'client', align: 'left', cell: ({ result }) => result.on },
  { title: 'messages/s', align: 'right', cell: ({ result }) => whole(result.messagesPerSecond.median) },
  { title: 'min–max', align: 'right', cell: ({ result }) => range(result.messagesPerSecond, whole) },
  { title: 'of raw', align: 'right', cell: ({ comparison }) => shown(comparison?.ratio.median) },
  { title: 'min–max', align: 'right', cell: ({ comparison }) => spread(comparison?.ratio) },
  { title: 'aim', align: 'right', cell: ({ comparison }) => aim(comparison) },
  { title: 'CPU s/million', align: 'right', cell: ({ result }) => decimals(result.cpuMicroseconds.median) },
  { title: 'of raw', align: 'right', cell: ({ comparison }) => shown(comparison?.cpuRatio.median) },
];

const callColumn: Column<Row> = {
  title: 'calls/message',
  align: 'right',
  cell: ({ result }) => result.callsPerMessage.toFixed(3),
};

/** Processor seconds of the client's process for a million messages are its microseconds for one. */
export function comparisonTable(results: readonly CaseResult[], comparisons: readonly Comparison[]): string {
  const rows = results.map((result) => ({
    result,
    comparison: comparisons.find(({ on, operation }) => on === result.on && operation === result.operation),
  }));
  const counted = results.some(({ callsPerMessage }) => callsPerMessage > 0);
  return formatTable(counted ? [...columns, callColumn] : columns, rows);
}

const latencyColumns: readonly Column<LatencyResult>[] = [
  {
    title: 'load',
    align: 'left',
    cell: ({ load, perSecond }) => (load === 'idle' ? 'idle consumer' : `${whole(perSecond ?? 0)}/s`),
  },
  { title: 'client', align: 'left', cell: ({ on }) => on },
  { title: 'p50 ms', align: 'right', cell: ({ p50Ms }) => decimals(p50Ms.median) },
  { title: 'min–max', align: 'right', cell: ({ p50Ms }) => range(p50Ms, decimals) },
  { title: 'p99 ms', align: 'right', cell: ({ p99Ms }) => decimals(p99Ms.median) },
  { title: 'min–max', align: 'right', cell: ({ p99Ms }) => range(p99Ms, decimals) },
];

export function latencyTable(results: readonly LatencyResult[]): string {
  return formatTable(latencyColumns, results);
}

/** What the others do not do in these figures. */
export function lackList(contenders: readonly Contender[]): string {
  const lines = contenders
    .filter(({ lacks }) => lacks.length > 0)
    .map(({ name, lacks }) => `${name}: no ${lacks.join(', ')}`);
  return ['Not done by the others:', ...lines].join('\n');
}

function aim(comparison: Comparison | undefined): string {
  return comparison?.aim === undefined ? '' : `≥ ${comparison.aim}`;
}

function shown(value: number | undefined): string {
  return value === undefined ? '' : decimals(value);
}

function spread(value: Spread | undefined): string {
  return value === undefined ? '' : range(value, decimals);
}
