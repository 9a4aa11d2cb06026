import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { succeed } from './run-command.ts';
import type { Surroundings } from './surroundings.ts';

/** Brings the jars that the folder's `pom.xml` pins, and all that they need, into `jars`. Maven is installed where that is allowed. */
export async function fetchJars(context: string, { run, getGoing }: Surroundings): Promise<void> {
  const problem = await getGoing('maven');
  if (problem !== undefined) throw new Error(problem);
  const goal = ['dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${join(context, 'jars')}`];
  await succeed(run('mvn', ['--quiet', '--batch-mode', '--file', join(context, 'pom.xml'), ...goal]), 'mvn');
}

/** Brings the packages that the folder's `package.json` pins, and the Node that runs this program. */
export async function fetchPackages(context: string, { run }: Surroundings): Promise<void> {
  const quiet = ['--no-audit', '--no-fund', '--no-package-lock', '--ignore-scripts'];
  await succeed(run('npm', ['install', '--prefix', context, ...quiet]), 'npm install');
  cpSync(process.execPath, join(context, 'node'));
}
