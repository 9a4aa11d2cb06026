import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';
import type { Comparison } from '../compare/comparison.ts';
import type { LatencyResult } from '../compare/latency.ts';
import type { Report } from '../report.ts';

const folder = join(import.meta.dirname, '..', '..', '..', 'docs', 'benchmarks');
const width = 760;

/** Colours that tell the roles apart, also without colour sight. */
const colors: Readonly<Record<string, string>> = { ours: '#0b6e99', raw: '#9a9a9a', peer: '#e0a458' };

type Options = NonNullable<Parameters<typeof Plot.plot>[0]>;

/** Draws what the report can be drawn of, from nothing but the report, and returns the names of the files. */
export function drawPlots(suite: string, report: Report): readonly string[] {
  const { against } = report;
  if (against === undefined) return [];
  const roles = new Map(against.contenders.map(({ name, role }) => [name, role]));
  const color = (on: string): string => colors[roles.get(on) ?? 'peer'] ?? 'black';
  const drawn: [string, Options][] = [
    [`${suite}-speed`, speedPlot(against.comparisons, color)],
    [`${suite}-cpu`, cpuPlot(report, color)],
  ];
  if (against.latencies.length > 0) drawn.push([`${suite}-latency`, latencyPlot(against.latencies, color)]);
  for (const [name, options] of drawn) write(name, options);
  return drawn.map(([name]) => name);
}

export function write(name: string, options: Options): void {
  const { document } = parseHTML('<html></html>');
  const figure = Plot.plot({ width, ...options, document });
  figure.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  figure.setAttribute('style', 'background: white; color: black');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${name}.svg`), `${figure.outerHTML}\n`);
}

type Color = (on: string) => string;

/** Bars from 0, a line where the raw client is, and the spread of the rounds on each bar. */
function speedPlot(comparisons: readonly Comparison[], color: Color): Options {
  return {
    ...bars(comparisons),
    x: { label: 'messages a second, over the raw client’s →', grid: true },
    marks: [
      Plot.barX(comparisons, { x: ({ ratio }) => ratio.median, y: 'on', fy: 'operation', fill: ({ on }) => color(on) }),
      Plot.ruleY(comparisons, { x1: ({ ratio }) => ratio.min, x2: ({ ratio }) => ratio.max, y: 'on', fy: 'operation' }),
      Plot.ruleX([1], { stroke: 'black', strokeDasharray: '4 2' }),
    ],
  };
}

function cpuPlot({ cases }: Report, color: Color): Options {
  return {
    ...bars(cases),
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
function latencyPlot(latencies: readonly LatencyResult[], color: Color): Options {
  const rows = latencies.map((one) => ({
    on: one.on,
    operation: one.load === 'idle' ? 'idle' : `${one.perSecond ?? 0}/s`,
    p50: one.p50Ms.median,
    p99: one.p99Ms.median,
  }));
  return {
    ...bars(rows),
    x: {
      label: 'milliseconds from the intended time of sending to the handler: p50 (dot), p99 (bar) →',
      type: 'log',
      grid: true,
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

/** One band for each client, one block for each operation, in the order of the rows. */
function bars(rows: readonly { readonly on: string; readonly operation: string }[]): Options {
  const distinct = (values: readonly string[]): readonly string[] => [...new Set(values)];
  const names = distinct(rows.map(({ on }) => on));
  const operations = distinct(rows.map(({ operation }) => operation));
  return {
    marginLeft: 140,
    marginRight: 110,
    height: 50 + operations.length * (names.length * 18 + 14),
    y: { label: null, domain: names },
    fy: { label: null, domain: operations },
  };
}
