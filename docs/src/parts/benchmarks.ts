import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Comparison } from '../../../benchmarks/src/compare/comparison.ts';
import type { LatencyResult } from '../../../benchmarks/src/compare/latency.ts';
import type { Against, ContenderReport, Report } from '../../../benchmarks/src/report.ts';
import type { CaseResult } from '../../../benchmarks/src/runner.ts';
import type { Spread } from '../../../benchmarks/src/statistics.ts';
import { list, table } from '../markdown.ts';
import { readSource, workspace } from '../pages.ts';

const suites: readonly string[] = ['redis', 'rabbitmq', 'kafka', 'sqs'];
const operations: Readonly<Record<string, string>> = {
  sendMany: '`sendMany`',
  'send-awaited': '`send`, each awaited',
  'send-at-once': '`send`, all at once',
  consume: 'single handlers',
  'consume-batch': 'batch handler',
};
const notYet = 'Not measured yet.';

/** For the front page: the product's speed over the raw client's, one line per broker. */
export function benchmarkSummary(): string {
  const reports = suites.flatMap((suite) => readReport(suite) ?? []);
  if (reports.length === 0) return notYet;
  const rows = reports.flatMap(({ against }) => (against === undefined ? [] : [summaryOf(against)]));
  const head = ['messages a second, over the raw client’s', ...Object.values(operations), 'idle latency, over raw'];
  return `${table(head, rows)}\n\n${reports.map((report) => `- ${conditions(report)}`).join('\n')}`;
}

/** Everything that was measured on one broker. */
export function benchmarkOf(suite = ''): string {
  const report = readReport(suite);
  if (report?.against === undefined) return notYet;
  const { against, cases } = report;
  return [
    conditions(report),
    image(suite, 'speed', 'Messages a second over the raw client’s, with the spread of the rounds'),
    table(
      ['operation', 'client', 'messages/s', 'over raw', 'aim', 'CPU s per million', 'over raw', ...callHead(cases)],
      cases.map((result) => caseRow(result, against, callHead(cases).length > 0)),
    ),
    image(suite, 'cpu', 'Processor seconds of the client for a million messages'),
    ...latencyParts(suite, against.latencies),
    'What the others do not do in these figures:',
    list(
      against.contenders
        .filter(({ lacks }) => lacks.length > 0)
        .map((one) => `${one.name} ${one.version}: no ${one.lacks.join(', ')}${failuresOf(one)}`),
    ),
  ].join('\n\n');
}

/** How cost grows with one thing; without a name, what that was measured on. */
export function benchmarkGrowth(axis?: string): string {
  const report = readReport('growth');
  if (report === undefined) return notYet;
  if (axis === undefined) return `${(report.servers ?? []).join(', ')}. ${machineOf(report)}`;
  return [
    `![${axis}](benchmarks/growth-${axis}.svg)`,
    axis === 'backlog' ? backlogTable(report) : growthTable(report, axis),
  ].join('\n\n');
}

/** A line for each value, a column for each broker and kind of work. */
function growthTable({ cases }: Report, axis: string): string {
  const points = cases.filter(({ operation }) => operation === axis);
  const columns = [...new Set(points.map(({ on, variant }) => `${on}, ${variant}`))];
  const values = [...new Set(points.map(({ codec }) => codec))];
  const cell = (value: string, column: string): string => {
    const found = points.find(({ codec, on, variant }) => codec === value && `${on}, ${variant}` === column);
    return found === undefined ? '' : wholeSpread(found.messagesPerSecond);
  };
  return table(
    [axisTitles[axis] ?? axis, ...columns.map((column) => `${column}: messages/s`)],
    values.map((value) => [whole(Number(value)), ...columns.map((column) => cell(value, column))]),
  );
}

const axisTitles: Readonly<Record<string, string>> = {
  size: 'bytes of a body',
  concurrency: 'handlers at once',
  keys: 'keys',
  groups: 'groups',
  processes: 'processes',
};

function backlogTable({ brokerBacklogs = [] }: Report): string {
  return table(
    ['broker', 'messages waiting', 'megabytes that the consumer holds'],
    brokerBacklogs.map(({ on, backlog, consumerBytes }) => [on, whole(backlog), (consumerBytes / 1e6).toFixed(2)]),
  );
}

function failuresOf({ failures }: ContenderReport): string {
  return failures.length === 0 ? '' : `. Failed in this run, and is not among its figures: ${failures.join('; ')}`;
}

/** Where the time of a message goes in core. */
export function benchmarkMicro(): string {
  const report = readReport('micro');
  if (report?.micro === undefined) return notYet;
  return [
    machineOf(report),
    '![Processor time by part](benchmarks/micro-time.svg)',
    '![Bytes allocated by part](benchmarks/micro-bytes.svg)',
  ].join('\n\n');
}

function machineOf({ size, rounds, machine: { cores, cpu, node }, at, commit = 'unknown' }: Report): string {
  const warning = rounds < 3 ? ' No more rounds fitted into the time: the spread says nothing.' : '';
  return `Medians of ${rounds} alternating rounds (${size} run), ${cores} × ${cpu}, Node ${node}, ${at.slice(0, 10)}, commit ${commit.slice(0, 8)}.${warning}`;
}

function conditions(report: Report): string {
  const { against, bodyBytes } = report;
  const server = `${against?.server} (${against?.setting}), ${bodyBytes}-byte JSON bodies, client and broker on one machine.`;
  return `${server} ${machineOf(report)}`;
}

function summaryOf({ server, comparisons, latencies, contenders }: Against): readonly string[] {
  const raw = contenders.find(({ role }) => role === 'raw')?.name;
  const cells = Object.keys(operations).map((operation) =>
    ratioCell(comparisons.find((one) => one.on === 'anymq' && one.operation === operation)),
  );
  const idle = (name: string | undefined) =>
    latencies.find(({ on, load }) => on === name && load === 'idle')?.p50Ms.median;
  const [ours, its] = [idle('anymq'), idle(raw)];
  return [server, ...cells, ours === undefined || its === undefined ? '' : `${signed(ours - its)} ms`];
}

function caseRow(result: CaseResult, { comparisons }: Against, withCalls: boolean): readonly string[] {
  const { on, operation, messagesPerSecond, cpuMicroseconds, callsPerMessage } = result;
  const comparison = comparisons.find((one) => one.on === on && one.operation === operation);
  return [
    operations[operation] ?? operation,
    on,
    whole(messagesPerSecond.median),
    ratioCell(comparison),
    comparison?.aim === undefined ? '' : `≥ ${comparison.aim}`,
    cpuMicroseconds.median.toFixed(1),
    comparison === undefined ? '' : comparison.cpuRatio.median.toFixed(2),
    ...(withCalls ? [callsPerMessage.toFixed(3)] : []),
  ];
}

function callHead(cases: readonly CaseResult[]): readonly string[] {
  return cases.some(({ callsPerMessage }) => callsPerMessage > 0) ? ['calls per message'] : [];
}

function latencyParts(suite: string, latencies: readonly LatencyResult[]): readonly string[] {
  if (latencies.length === 0) return [];
  return [
    'From the intended time of sending to the beginning of the handler, in milliseconds:',
    table(
      ['load', 'client', 'p50', 'p99'],
      latencies.map(({ load, perSecond, on, p50Ms, p99Ms }) => [
        load === 'idle' ? 'one by one, consumer idle' : `${whole(perSecond ?? 0)} a second`,
        on,
        spreadCell(p50Ms),
        spreadCell(p99Ms),
      ]),
    ),
    image(suite, 'latency', 'Latency from p50 to p99'),
  ];
}

function image(suite: string, kind: string, alternative: string): string {
  return `![${alternative}](benchmarks/${suite}-${kind}.svg)`;
}

function ratioCell(comparison: Comparison | undefined): string {
  return comparison === undefined ? '' : spreadCell(comparison.ratio);
}

function spreadCell({ median, min, max }: Spread): string {
  return `${median.toFixed(2)} (${min.toFixed(2)}–${max.toFixed(2)})`;
}

function wholeSpread({ median, min, max }: Spread): string {
  return `${whole(median)} (${whole(min)}–${whole(max)})`;
}

function signed(value: number): string {
  return `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(2)}`;
}

function whole(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

function readReport(suite: string): Report | undefined {
  const path = `benchmarks/results/${suite}.json`;
  return existsSync(join(workspace, path)) ? (JSON.parse(readSource(path)) as Report) : undefined;
}
