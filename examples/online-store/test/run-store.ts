import { Readable } from 'node:stream';
import { memory } from '@anymq/memory';
import { parseOptions } from '../src/options.ts';
import type { Summary } from '../src/report.ts';
import { run, type Surroundings } from '../src/run.ts';

export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}
export interface Circumstances extends Partial<Surroundings> {
  /** What comes in by standard input. */
  readonly input?: string;
  /** Sees what is written to standard output, while the run goes on. */
  readonly onOutput?: (text: string) => void;
}

/** The store inside this process. */
export async function runStore(args: readonly string[], circumstances: Circumstances = {}): Promise<Ended> {
  const { input = '', onOutput, ...surroundings } = circumstances;
  const written = { stdout: '', stderr: '' };
  const write = (text: string): void => {
    written.stdout += text;
    onOutput?.(text);
  };
  const code = await run(parseOptions(args), {
    stdin: Readable.from([input]),
    stdout: { write },
    stderr: { write: (text) => (written.stderr += text) },
    signal: new AbortController().signal,
    patienceMs: 5000,
    drivers: [memory],
    ...surroundings,
  });
  return { code, ...written };
}

export async function summaryOf(args: readonly string[], circumstances?: Circumstances): Promise<Summary> {
  return JSON.parse((await runStore([...args, '--json'], circumstances)).stdout) as Summary;
}
