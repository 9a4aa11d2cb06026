import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync } from 'node:fs';
import type { Holdings, MemberOptions, Order, Report } from './orders.ts';

export type Role = 'consumer' | 'producer';

export interface Member {
  readonly role: Role;
  /** How often it ended without having been told to, and was started again. */
  readonly deaths: number;
  /** Whether all of its work is done: of a producer, all that it was to send is confirmed. */
  readonly isDone: boolean;
  /** Resolves when it is ready for the first time. */
  readonly ready: Promise<void>;
  /** It is started again at once, as a supervisor does, when it ends by that. */
  signal(name: NodeJS.Signals): void;
  /** Resolves when the process that runs now has ended. */
  died(): Promise<void>;
  tell(order: Order): void;
  /** What the process holds now; undefined when it has ended, or ends before it has told. */
  measure(): Promise<Holdings | undefined>;
  /** In its own way. Resolves when the process has ended. */
  stop(): Promise<void>;
  /** At once and for good. */
  end(): Promise<void>;
}

/** Starts a process for a member, and another when that one dies. What it prints goes to the log's file. */
export function startMember(
  role: Role,
  options: MemberOptions,
  log: string,
  nodeOptions: readonly string[] = [],
): Member {
  const ready = Promise.withResolvers<void>();
  let deaths = 0;
  let over = false;
  let done = false;
  let child = start();

  function start(): ChildProcess {
    const file = new URL(`${role}.ts`, import.meta.url).pathname;
    const started = fork(file, [JSON.stringify(options)], {
      execArgv: ['--conditions=source', '--disable-warning=ExperimentalWarning', '--expose-gc', ...nodeOptions],
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    for (const output of [started.stdout, started.stderr])
      output?.on('data', (chunk: Buffer) => appendFileSync(log, chunk));
    started.on('message', ({ is }: Report) => {
      if (is === 'ready') ready.resolve();
      if (is === 'done') over = done = true;
    });
    // One that is gone cannot be told anything, and is started again; one that cannot be started at all says why.
    started.on('error', (error) => appendFileSync(log, `${role}: ${error.message}\n`));
    started.on('exit', () => {
      if (over) return;
      deaths += 1;
      child = start();
    });
    return started;
  }

  const exited = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  };
  return {
    role,
    get deaths() {
      return deaths;
    },
    get isDone() {
      return done;
    },
    ready: ready.promise,
    signal: (name) => void child.kill(name),
    died: exited,
    tell: (order) => void child.send(order),
    measure() {
      const asked = child;
      if (!asked.connected) return Promise.resolve(undefined);
      asked.send({ do: 'measure' } satisfies Order);
      return new Promise((resolve) => {
        const answer = (holdings: Holdings | undefined) => {
          asked.off('message', hear).off('exit', ended);
          resolve(holdings);
        };
        const hear = (told: Report) => {
          if (told.is === 'measured') answer(told.holdings);
        };
        const ended = () => answer(undefined);
        asked.on('message', hear).on('exit', ended);
      });
    },
    async stop() {
      over = true;
      if (child.connected) child.send({ do: 'stop' } satisfies Order);
      await exited();
    },
    async end() {
      over = true;
      child.kill('SIGKILL');
      await exited();
    },
  };
}
