import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { asJson, type Report } from '../report.ts';

const root = join(import.meta.dirname, '..', '..', '..');
const folder = 'benchmarks/results';

/** What is committed, or about to be: the figures of the documentation. */
export function savedReport(suite: string): Report | undefined {
  return readReport(`${folder}/${suite}.json`);
}

export function saveReport(suite: string, report: Report): void {
  writeFileSync(join(root, folder, `${suite}.json`), asJson(report));
}

/** Of the last run of everything in that suite, whether it was saved or not. Not committed. */
export function lastReport(suite: string): Report | undefined {
  return readReport(`${folder}/last/${suite}.json`);
}

export function keepReport(suite: string, report: Report): void {
  mkdirSync(join(root, folder, 'last'), { recursive: true });
  writeFileSync(join(root, folder, 'last', `${suite}.json`), asJson(report));
}

/** As it was committed last; undefined where it never was. */
export function committedReport(suite: string): Report | undefined {
  try {
    const committed = execFileSync('git', ['show', `HEAD:${folder}/${suite}.json`], {
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      maxBuffer: 100_000_000,
    });
    return JSON.parse(committed) as Report;
  } catch {
    return undefined;
  }
}

function readReport(path: string): Report | undefined {
  const file = join(root, path);
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Report) : undefined;
}
