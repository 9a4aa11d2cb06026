import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';

const folder = join(import.meta.dirname, '..', '..', '..', 'docs', 'benchmarks');

export type Figure = NonNullable<Parameters<typeof Plot.plot>[0]>;

/** Writes `docs/benchmarks/NAME.svg`, readable on light and dark pages. */
export function writeFigure(name: string, figure: Figure): void {
  const { document } = parseHTML('<html></html>');
  // With a legend, Plot makes an HTML figure; what we write is the drawing alone.
  const drawn = Plot.plot({ width: 760, ...figure, document });
  drawn.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  drawn.setAttribute('style', 'background: white; color: black');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${name}.svg`), `${drawn.outerHTML}\n`);
}
