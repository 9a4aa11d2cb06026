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
    marginRight: 160,
    x: { label, grid: true },
    y: { label: null, domain: works },
    color: { domain: [...partNames], scheme: 'Paired' },
    marks: [
      Plot.barX(rows, Plot.stackX({ x: value, y: 'work', fill: 'part', order: [...partNames] })),
      ...partNames.flatMap((part, index) => legendEntry(part, index)),
    ],
  });
  return new Map([
    ['micro-time', figure('time', 'microseconds of processor time for a message →')],
    ['micro-bytes', figure('bytes', 'bytes allocated for a message →')],
  ]);
}

/** Beside the bars: in them there is no room for words. */
function legendEntry(part: string, index: number): readonly Plot.Markish[] {
  const place = { frameAnchor: 'top-right', dy: 6 + index * 17 } as const;
  return [
    Plot.dot([{ part }], { ...place, dx: 24, r: 5, fill: 'part', symbol: 'square' }),
    Plot.text([part], { ...place, dx: 36, text: [part], textAnchor: 'start', lineAnchor: 'middle' }),
  ];
}
