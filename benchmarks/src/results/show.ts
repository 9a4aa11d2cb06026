import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { savedReport } from './files.ts';
import { drawPlots } from './plots.ts';

const documentation = join(import.meta.dirname, '..', '..', '..', 'docs', 'src', 'main.ts');

/** The plots of the saved reports, then the tables of the pages, which read the same reports. */
export function show(suites: readonly string[]): void {
  for (const suite of suites) {
    const report = savedReport(suite);
    if (report === undefined) continue;
    for (const name of drawPlots(suite, report)) console.log(`docs/benchmarks/${name}.svg`);
  }
  execFileSync(process.execPath, ['--conditions=source', documentation], { stdio: 'inherit' });
}
