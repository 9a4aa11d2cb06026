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
const axes: Readonly<Record<string, { readonly x: string; readonly y: string }>> = {
  size: { x: 'bytes of a body', y: 'microseconds for a message' },
  concurrency: { x: 'handlers at once, of 1 ms each', y: 'messages a second' },
  keys: { x: 'different keys of an ordered queue', y: 'microseconds for a message' },
  groups: { x: 'groups of a topic', y: 'microseconds for a delivery' },
  processes: { x: 'consumers in processes of their own, 10 handlers of 5 ms each', y: 'messages a second' },
};

/** By name: one figure for everything that grows. */
export function growthFigures({ cases, brokerBacklogs = [] }: Report): ReadonlyMap<string, Figure> {
  const figures = Object.entries(axes).flatMap(([axis, { x, y }]): [string, Figure][] => {
    const shows = y === 'messages a second' ? 'messagesPerSecond' : 'microseconds';
    const points = cases
      .filter(({ operation }) => operation === axis)
      .map((one): Point => {
        const { median, min, max } = one[shows];
        return { x: Number(one.codec), y: median, min, max, work: one.variant, on: one.on };
      });
    return points.length === 0 ? [] : [[`growth-${axis}`, lines(points, x, y, 'log')]];
  });
  const backlogs = brokerBacklogs.map(({ on, backlog, consumerBytes }): Point => {
    const y = consumerBytes / 1e6;
    return { x: backlog, y, min: y, max: y, work: 'a slow handler', on };
  });
  if (backlogs.length > 0) {
    const y = 'megabytes that a consumer holds';
    figures.push(['growth-backlog', lines(backlogs, 'messages that wait at the broker', y, 'linear')]);
  }
  return new Map(figures);
}

/** A panel for each kind of work, a line for each broker. */
function lines(points: readonly Point[], x: string, y: string, scale: 'log' | 'linear'): Figure {
  const last = points.filter((one) => points.findLast(({ work, on }) => work === one.work && on === one.on) === one);
  const values = [...new Set(points.map((one) => one.x))];
  return {
    height: 320,
    marginTop: 46,
    marginLeft: 60,
    marginRight: 30,
    fx: { label: null },
    x: {
      label: `${x} →`,
      type: 'log',
      grid: true,
      // What was measured, where that has room.
      ticks: values.length > 1 && closest(values) < 3 && values.some((value) => value > 1000) ? 4 : values,
      tickFormat: (value: number) => value.toLocaleString('en'),
    },
    y: {
      label: `↑ ${y}`,
      labelAnchor: 'top',
      ticks: 5,
      type: scale,
      grid: true,
      ...(scale === 'linear' ? { zero: true } : {}),
    },
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

/** The smallest ratio of one value to the next smaller. */
function closest(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  return Math.min(...sorted.slice(1).map((value, index) => value / (sorted[index] as number)));
}
