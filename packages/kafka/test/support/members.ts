import { type ChildProcess, fork } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { MemberPlan, Report } from './member.ts';

const program = fileURLToPath(new URL('member.ts', import.meta.url));

export interface SeenRun extends Report {
  readonly member: string;
}

/** Consumers in processes of their own, and what they reported. */
export class Members {
  readonly runs: SeenRun[] = [];
  readonly #children = new Map<string, ChildProcess>();
  #waiting: (() => void)[] = [];

  /** Resolves when its consumer has started; rejects when the process ends before. */
  async start(name: string, plan: MemberPlan): Promise<void> {
    const child = fork(program, [JSON.stringify(plan)], {
      execArgv: ['--conditions=source', '--disable-warning=ExperimentalWarning'],
      stdio: ['inherit', 'inherit', 'inherit', 'ipc', 'pipe'],
    });
    createInterface({ input: child.stdio[4] as Readable }).on('line', (line) => {
      this.runs.push({ ...(JSON.parse(line) as Report), member: name });
      this.#wake();
    });
    this.#children.set(name, child);
    await new Promise<void>((resolve, reject) => {
      child.on('message', (message: { readonly started?: true }) => {
        if (message.started === true) resolve();
      });
      // Not before all that it reported has been read.
      child.once('close', (code) => {
        reject(new Error(`${name} ended with ${code}`));
        this.#children.delete(name);
        this.#wake();
      });
    });
  }

  isAlive(name: string): boolean {
    return this.#children.has(name);
  }

  kill(name: string): void {
    this.#children.get(name)?.kill('SIGKILL');
    this.#children.delete(name);
  }

  /** Microseconds of processor time so far. */
  async cpu(name: string): Promise<number> {
    const child = this.#children.get(name);
    if (child === undefined) throw new Error(`${name} is not there`);
    return await new Promise((resolve) => {
      const onMessage = ({ cpu }: { readonly cpu?: NodeJS.CpuUsage }): void => {
        if (cpu === undefined) return;
        child.off('message', onMessage);
        resolve(cpu.user + cpu.system);
      };
      child.on('message', onMessage);
      child.send('cpu');
    });
  }

  handled(): ReadonlySet<string> {
    return new Set(this.runs.map(({ id }) => id));
  }

  /** Looked at with every report. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  async stopAll(): Promise<void> {
    const children = [...this.#children.values()];
    await Promise.all(
      children.map(async (child) => {
        const ended = new Promise((resolve) => child.once('close', resolve));
        child.send('stop');
        await ended;
      }),
    );
  }

  killAll(): void {
    for (const child of this.#children.values()) child.kill('SIGKILL');
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
