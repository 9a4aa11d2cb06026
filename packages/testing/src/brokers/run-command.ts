import { spawn } from 'node:child_process';
import { delimiter } from 'node:path';
import type { Readable } from 'node:stream';

export interface CommandOptions {
  /** What the command reads; without it, nothing. */
  readonly input?: Readable;
  /** Ends the command when nothing at all was printed for that long from its start. Default: it may take its time. */
  readonly firstOutputWithinMs?: number;
  /** Where what it prints on standard error goes. Default `keep`: into `output`. */
  readonly errors?: 'keep' | 'show';
}

export interface CommandResult {
  /** The exit code; 127 when the command could not be started, -1 when a signal or the time limit ended it. */
  readonly code: number;
  readonly stdout: string;
  /** All that it printed, in order. */
  readonly output: string;
}

/** Runs a program to its end. Never rejects. When this process exits first, the program is ended too. */
export type RunCommand = (command: string, args: readonly string[], options?: CommandOptions) => Promise<CommandResult>;

/** Docker's own command line: everything but starting a container goes through it. */
export type Docker = (args: readonly string[], options?: CommandOptions) => Promise<CommandResult>;

export const runCommand: RunCommand = (command, args, options = {}) =>
  new Promise((resolve) => {
    let stdout = '';
    let output = '';
    const child = spawn(command, [...args], {
      env: environment(),
      stdio: ['pipe', 'pipe', options.errors === 'show' ? 'inherit' : 'pipe'],
    });
    const kill = () => child.kill();
    const timer = options.firstOutputWithinMs === undefined ? undefined : setTimeout(kill, options.firstOutputWithinMs);
    const finish = (code: number) => {
      clearTimeout(timer);
      process.off('exit', kill);
      resolve({ code, stdout, output });
    };
    process.on('exit', kill);
    child.stdout?.on('data', (chunk) => {
      clearTimeout(timer);
      stdout += String(chunk);
      output += String(chunk);
    });
    child.stderr?.on('data', (chunk) => (output += String(chunk)));
    child.on('error', (error) => {
      output += `${command}: ${error.message}`;
      finish(127);
    });
    child.on('close', (code) => finish(code ?? -1));
    feed(child.stdin, options.input);
  });

export const docker: Docker = (args, options) => runCommand('docker', args, options);

/** @throws {Error} with the last lines that the command printed, when it fails */
export async function succeed(running: Promise<CommandResult>, what: string): Promise<string> {
  const { code, stdout, output } = await running;
  if (code === 0) return stdout;
  throw new Error(`${what} failed (exit code ${code}):\n${output.trimEnd().split('\n').slice(-15).join('\n')}`);
}

function feed(stdin: NodeJS.WritableStream | null, input: Readable | undefined): void {
  if (stdin === null) return;
  // A program that ends without reading all is told by its exit code.
  stdin.on('error', () => {});
  if (input === undefined) stdin.end();
  else input.pipe(stdin);
}

/** Debian keeps debootstrap where the PATH of some shells does not look. */
function environment(): NodeJS.ProcessEnv {
  return { ...process.env, PATH: [process.env['PATH'], '/usr/sbin', '/sbin'].join(delimiter) };
}
