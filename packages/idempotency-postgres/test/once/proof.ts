import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { connect, defineQueue, type Client } from '@anymq/core';
import { audit, type Findings } from './audit.ts';
import { driverOf } from './drivers.ts';
import { Journal } from './journal.ts';
import { variable, type Protection, type WorkerSettings } from './settings.ts';

export interface ProofOptions {
  readonly brokerUrl: string;
  readonly protection: Protection;
  readonly storeUrl: string;
  readonly journalUrl: string;
  readonly keyCount: number;
  /** 2,000 by default. */
  readonly leaseMs?: number | undefined;
  /** Done once, when a quarter of the effects are there. */
  readonly disturb?: (() => Promise<void>) | undefined;
}

export interface Proof extends Findings {
  readonly effects: ReadonlyMap<string, number>;
  readonly kills: number;
}

const copies = 5;
const processes = 4;
/** What is sent together: the next part goes out right before a kill, so that each kill meets processes at work. */
export const partSize = 50;
const killEveryMs = 1000;
/** Of a machine of its own half a minute is more than enough. */
const limitMs = 240_000;
const orders = defineQueue('orders');

/**
 * Keys, each sent five times, handled by four processes, one of which is killed every second and started again, while
 * a fifth of the runs fail. Resolves when every message is settled. There is a kill for each part of the keys at least,
 * the first one excepted, however slowly processes start.
 */
export async function prove({ disturb, keyCount, leaseMs = 2000, ...rest }: ProofOptions): Promise<Proof> {
  const namespace = `p${Math.random().toString(36).slice(2, 10)}`;
  const journal = new Journal(rest.journalUrl, namespace);
  const client = await connect(
    { brokers: { all: rest.brokerUrl }, namespace },
    { drivers: [await driverOf(rest.brokerUrl)] },
  );
  const keys = Array.from({ length: keyCount }, (_, n) => `key-${n}`);
  const left = keys.slice(partSize);
  const crew = new Crew({ ...rest, namespace, leaseMs }, journal, () => send(client, left.splice(0, partSize)));
  try {
    await journal.create();
    await send(client, keys.slice(0, partSize));
    crew.start();
    await untilDone(client, journal, { keyCount, leaseMs, disturb });
    const effects = await journal.effects();
    await crew.end();
    return { ...audit(keys, await journal.entries(), effects), effects, kills: crew.kills };
  } finally {
    await crew.end();
    await client.remove([orders]);
    await client.close();
    await journal.close();
  }
}

async function send(client: Client, keys: readonly string[]): Promise<void> {
  if (keys.length === 0) return;
  const producer = client.producer(orders);
  for (let copy = 0; copy < copies; copy++) {
    const results = await producer.sendMany(keys, (key) => ({ id: String(key) }));
    if (results.some(({ ok }) => !ok)) throw new Error('Not everything was sent.');
  }
}

/** The effects are all there, and then nothing is left to be handled: a duplicate that is to do harm has had its chance. */
async function untilDone(
  client: Client,
  journal: Journal,
  { keyCount, leaseMs, disturb }: Pick<ProofOptions, 'keyCount' | 'disturb'> & { readonly leaseMs: number },
): Promise<void> {
  const deadline = performance.now() + limitMs;
  let disturbance: Promise<void> | undefined;
  // A broker that cannot say what is delayed has to be quiet for as long as a duplicate waits.
  let quietSince = performance.now();
  for (;;) {
    // The processes die at any point, and brokers tell nobody when a queue runs empty: it has to be asked.
    await new Promise((resolve) => setTimeout(resolve, 200));
    const { size } = await journal.effects();
    if (performance.now() > deadline)
      throw new Error(
        `After ${limitMs} ms ${size} keys have their effect: ${JSON.stringify(await client.inspect(orders))}`,
      );
    if (size > keyCount / 4) disturbance ??= disturb?.();
    const { backlog, inFlight, delayed } = await client.inspect(orders);
    const values = [backlog, inFlight, delayed].map(({ value }) => value);
    const isQuiet = size === keyCount && values.every((value) => value === null || value === 0);
    if (!isQuiet) quietSince = performance.now();
    else if (performance.now() - quietSince >= (values.includes(null) ? 2 * leaseMs : 0)) return disturbance;
  }
}

interface Member {
  readonly worker: string;
  readonly process: ChildProcess;
  ready: boolean;
}

/** The processes, and who kills them. */
class Crew {
  readonly #settings: Omit<WorkerSettings, 'worker'>;
  readonly #journal: Journal;
  readonly #beforeKill: () => Promise<void>;
  readonly #members: Member[] = [];
  #started = 0;
  #timer: NodeJS.Timeout | undefined;
  #killing: Promise<void> = Promise.resolve();
  kills = 0;

  constructor(settings: Omit<WorkerSettings, 'worker'>, journal: Journal, beforeKill: () => Promise<void>) {
    this.#settings = settings;
    this.#journal = journal;
    this.#beforeKill = beforeKill;
  }

  start(): void {
    for (let n = 0; n < processes; n++) this.#spawn();
    this.#timer = setInterval(() => {
      this.#killing = this.#killing.then(() => this.#killOldest());
    }, killEveryMs);
  }

  async end(): Promise<void> {
    clearInterval(this.#timer);
    await this.#killing;
    await Promise.all(this.#members.splice(0).map(({ process }) => kill(process)));
  }

  /** When all of them take messages: where starting one lasts longer than a second, nobody would ever come to it. */
  async #killOldest(): Promise<void> {
    const oldest = this.#members.every(({ ready }) => ready) ? this.#members.shift() : undefined;
    if (oldest === undefined) return;
    await this.#beforeKill();
    this.#spawn();
    await kill(oldest.process);
    this.kills += 1;
    await this.#journal.note(oldest.worker, 'killed', [oldest.worker]);
  }

  #spawn(): void {
    const worker = `worker-${(this.#started += 1)}`;
    const settings: WorkerSettings = { ...this.#settings, worker };
    const child = spawn(
      process.execPath,
      ['--conditions=source', fileURLToPath(new URL('worker.ts', import.meta.url))],
      {
        env: { ...process.env, [variable]: JSON.stringify(settings) },
        stdio: ['pipe', 'pipe', 'inherit'],
      },
    );
    const member: Member = { worker, process: child, ready: false };
    child.stdout.once('data', () => (member.ready = true));
    this.#members.push(member);
  }
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}
