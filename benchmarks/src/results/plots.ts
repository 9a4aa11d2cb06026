import * as Plot from '@observablehq/plot';
import type { Comparison } from '../compare/comparison.ts';
import type { LatencyResult } from '../compare/latency.ts';
import type { Against, Report } from '../report.ts';
import { type Figure, writeFigure } from './figure.ts';
import { growthFigures } from './growth-plots.ts';
import { microFigures } from './micro-plots.ts';

/** Colours that tell the roles apart, also without colour sight. */
const colors: Readonly<Record<string, string>> = { ours: '#0b6e99', raw: '#9a9a9a', peer: '#e0a458' };

/** Draws what the report can be drawn of, from nothing but the report, and returns the names of the files. */
export function drawPlots(suite: string, report: Report): readonly string[] {
  const figures = new Map([
    ...(report.against === undefined ? [] : comparisonFigures(suite, report, report.against)),
    ...growthFigures(report),
    ...(report.micro === undefined ? [] : microFigures(report.micro)),
  ]);
  for (const [name, figure] of figures) writeFigure(name, figure);
  return [...figures.keys()];
}

function comparisonFigures(suite: string, report: Report, against: Against): ReadonlyMap<string, Figure> {
  const { contenders, comparisons, latencies } = against;
  const roles = new Map(contenders.map(({ name, role }) => [name, role]));
  const names = contenders.map(({ name }) => name);
  const color = (on: string): string => colors[roles.get(on) ?? 'peer'] ?? 'black';
  return new Map([
    [`${suite}-speed`, speedPlot(comparisons, names, color)],
    [`${suite}-cpu`, cpuPlot(report, names, color)],
    ...(latencies.length === 0 ? [] : [[`${suite}-latency`, latencyPlot(latencies, names, color)] as const]),
  ]);
}

type Color = (on: string) => string;

/** Bars from 0, a line where the raw client is, and the spread of the rounds on each bar. */
function speedPlot(comparisons: readonly Comparison[], names: readonly string[], color: Color): Figure {
  return {
    ...bars(comparisons, names),
    x: { label: 'messages a second, over the raw client’s →', grid: true },
    marks: [
      Plot.barX(comparisons, { x: ({ ratio }) => ratio.median, y: 'on', fy: 'operation', fill: ({ on }) => color(on) }),
      Plot.ruleY(comparisons, { x1: ({ ratio }) => ratio.min, x2: ({ ratio }) => ratio.max, y: 'on', fy: 'operation' }),
      Plot.ruleX([1], { stroke: 'black', strokeDasharray: '4 2' }),
    ],
  };
}

function cpuPlot({ cases }: Report, names: readonly string[], color: Color): Figure {
  return {
    ...bars(cases, names),
    x: { label: 'processor seconds of the client for a million messages →', grid: true },
    marks: [
      Plot.barX(cases, {
        x: ({ cpuMicroseconds }) => cpuMicroseconds.median,
        y: 'on',
        fy: 'operation',
        fill: ({ on }) => color(on),
      }),
      Plot.ruleY(cases, {
        x1: ({ cpuMicroseconds }) => cpuMicroseconds.min,
        x2: ({ cpuMicroseconds }) => cpuMicroseconds.max,
        y: 'on',
        fy: 'operation',
      }),
    ],
  };
}

/** A line from p50 (dot) to p99 (tick). */
function latencyPlot(latencies: readonly LatencyResult[], names: readonly string[], color: Color): Figure {
  const rows = latencies.map((one) => ({
    on: one.on,
    operation: one.load === 'idle' ? 'idle' : `${one.perSecond ?? 0}/s`,
    p50: one.p50Ms.median,
    p99: one.p99Ms.median,
  }));
  return {
    ...bars(rows, names),
    x: {
      label: 'milliseconds from the intended time of sending to the handler: p50 (dot), p99 (bar) →',
      type: 'log',
      grid: true,
      ticks: 6,
      tickFormat: (value: number) => value.toLocaleString('en'),
    },
    marks: [
      Plot.ruleY(rows, {
        x1: 'p50',
        x2: 'p99',
        y: 'on',
        fy: 'operation',
        stroke: ({ on }) => color(on),
        strokeWidth: 3,
      }),
      Plot.dot(rows, { x: 'p50', y: 'on', fy: 'operation', fill: ({ on }) => color(on), r: 5 }),
      Plot.tickX(rows, { x: 'p99', y: 'on', fy: 'operation', stroke: ({ on }) => color(on), strokeWidth: 2 }),
    ],
  };
}

/** One band for each client, in the order of the contenders, one block for each operation, in the order of the rows. */
function bars(rows: readonly { readonly on: string; readonly operation: string }[], names: readonly string[]): Figure {
  const shown = names.filter((name) => rows.some(({ on }) => on === name));
  const operations = [...new Set(rows.map(({ operation }) => operation))];
  return {
    marginLeft: 175,
    marginRight: 110,
    height: 50 + operations.length * (shown.length * 18 + 14),
    y: { label: null, domain: shown },
    fy: { label: null, domain: operations },
  };
}
