import { constants } from 'node:os';
import { help, parseOptions, UsageError, type Options } from './options.ts';
import { run } from './run.ts';

/** Somebody ended the run, by a signal. */
class InterruptedError extends Error {
  override readonly name = 'InterruptedError';
  readonly exitCode: number;

  constructor(signal: NodeJS.Signals) {
    super('Interrupted; the store was closed.');
    this.exitCode = 128 + constants.signals[signal];
  }
}

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  try {
    const options = parseOptions(args);
    if (!options.help) return await runUntilInterrupted(options);
    console.log(help);
    return 0;
  } catch (error) {
    console.error(`✗ ${error instanceof Error ? error.message : String(error)}`);
    if (error instanceof UsageError) console.error('  --help lists the options.');
    return exitCode(error);
  }
}

/** The first signal closes the store and leaves nothing behind; a second one ends the process at once. */
async function runUntilInterrupted(options: Options): Promise<number> {
  const interrupt = new AbortController();
  const onSignal = (name: NodeJS.Signals): void => interrupt.abort(new InterruptedError(name));
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
  try {
    const { stdin, stdout, stderr } = process;
    return await run(options, { stdin, stdout, stderr, signal: interrupt.signal });
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
  }
}

function exitCode(error: unknown): number {
  if (error instanceof UsageError) return 2;
  return error instanceof InterruptedError ? error.exitCode : 1;
}
