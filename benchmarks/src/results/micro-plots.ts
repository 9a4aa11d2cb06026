import * as Plot from '@observablehq/plot';
import type { PartCost } from '../micro/run.ts';
import { partNames } from '../micro/parts.ts';
import type { Figure } from './figure.ts';

/** Stacked by part, one bar for each operation: processor time, and bytes allocated. */
export function microFigures(micro: readonly PartCost[]): ReadonlyMap<string, Figure> {
  const rows = micro.map(({ operation, variant, part, microseconds, bytes }) => ({
    work: `${operation}, ${variant}`,
    part,
    time: microseconds.median,
    bytes: bytes.median,
  }));
  const works = [...new Set(rows.map(({ work }) => work))];
  const figure = (value: 'time' | 'bytes', label: string): Figure => ({
    height: 60 + works.length * 34,
    marginLeft: 150,
    x: { label, grid: true },
    y: { label: null, domain: works },
    color: { domain: [...partNames], scheme: 'Paired' },
    marks: [
      Plot.barX(rows, Plot.stackX({ x: value, y: 'work', fill: 'part', order: [...partNames] })),
      Plot.text(
        rows.filter((row) => row[value] * 14 > largest(rows.map((one) => one[value]))),
        Plot.stackX({
          x: value,
          y: 'work',
          text: 'part',
          z: 'part',
          order: [...partNames],
          fill: 'black',
          fontSize: 8,
        }),
      ),
    ],
  });
  return new Map([
    ['micro-time', figure('time', 'microseconds of processor time for a message →')],
    ['micro-bytes', figure('bytes', 'bytes allocated for a message →')],
  ]);
}

function largest(values: readonly number[]): number {
  return Math.max(...values);
}
