import * as Plot from '@observablehq/plot';
import type { Report } from '../report.ts';
import type { Figure } from './figure.ts';

interface Point {
  readonly x: number;
  readonly y: number;
  readonly min: number;
  readonly max: number;
  readonly work: string;
  readonly on: string;
}

/** What grows, and what is shown of it: throughput where the work waits, the cost of a message where it does not. */
const axes: Readonly<Record<string, { readonly x: string; readonly shows: 'messagesPerSecond' | 'microseconds' }>> = {
  size: { x: 'bytes of a body', shows: 'microseconds' },
  concurrency: { x: 'handlers at once, of 1 ms each', shows: 'messagesPerSecond' },
  keys: { x: 'different keys of an ordered queue', shows: 'microseconds' },
  groups: { x: 'groups of a topic', shows: 'microseconds' },
  processes: { x: 'consumers in processes of their own, 10 handlers of 5 ms each', shows: 'messagesPerSecond' },
};
const yLabels = {
  messagesPerSecond: '↑ messages a second',
  microseconds: '↑ microseconds for a message (a delivery, of groups)',
};

/** By name: one figure for everything that grows. */
export function growthFigures({ cases, brokerBacklogs = [] }: Report): ReadonlyMap<string, Figure> {
  const figures = Object.entries(axes).flatMap(([axis, { x, shows }]): [string, Figure][] => {
    const points = cases
      .filter(({ operation }) => operation === axis)
      .map((one): Point => {
        const { median, min, max } = one[shows];
        return { x: Number(one.codec), y: median, min, max, work: one.variant, on: one.on };
      });
    return points.length === 0 ? [] : [[`growth-${axis}`, lines(points, x, yLabels[shows], 'log')]];
  });
  const backlogs = brokerBacklogs.map(({ on, backlog, consumerBytes }): Point => {
    const y = consumerBytes / 1e6;
    return { x: backlog, y, min: y, max: y, work: 'a slow handler', on };
  });
  if (backlogs.length > 0) {
    const y = '↑ megabytes that a consumer holds';
    figures.push(['growth-backlog', lines(backlogs, 'messages that wait at the broker', y, 'linear')]);
  }
  return new Map(figures);
}

/** A panel for each kind of work, a line for each broker. */
function lines(points: readonly Point[], x: string, y: string, scale: 'log' | 'linear'): Figure {
  const last = points.filter((one) => points.findLast(({ work, on }) => work === one.work && on === one.on) === one);
  return {
    height: 320,
    marginLeft: 60,
    marginRight: 70,
    fx: { label: null },
    x: {
      label: `${x} →`,
      type: 'log',
      grid: true,
      ticks: 4,
      tickFormat: (value: number) => value.toLocaleString('en'),
    },
    y: { label: y, type: scale, grid: true, ...(scale === 'linear' ? { zero: true } : {}) },
    color: { scheme: 'Observable10' },
    marks: [
      Plot.frame({ stroke: '#ddd' }),
      Plot.ruleX(points, { fx: 'work', x: 'x', y1: 'min', y2: 'max', stroke: 'on' }),
      Plot.line(points, { fx: 'work', x: 'x', y: 'y', z: 'on', stroke: 'on', strokeWidth: 2 }),
      Plot.dot(points, { fx: 'work', x: 'x', y: 'y', fill: 'on' }),
      Plot.text(last, { fx: 'work', x: 'x', y: 'y', text: 'on', fill: 'on', textAnchor: 'end', dx: -4, dy: -10 }),
    ],
  };
}
