/** What a figure is about: the columns of the table, the words of `--only`, the names in the JSON. */
export interface Labels {
  /** What is under the client: a broker, 'core' (a stub: core's own share), or a broker's driver without core. */
  readonly on: string;
  readonly operation: string;
  readonly codec: string;
  readonly variant: string;
}

export interface BenchCase {
  readonly labels: Labels;
  /** How many messages a run moves. */
  readonly messages: number;
  /** Microseconds of wall time per message that we want to stay below. */
  readonly aimMicroseconds?: number | undefined;
  /** Opens and fills what a run needs; not measured. */
  readonly prepare: () => Promise<PreparedRun>;
}

export interface PreparedRun {
  /** From when on it is timed; undefined: from the call of `run`. */
  began?(): Start | undefined;
  /** Requests sent until now, where they are counted. */
  calls?(): number;
  /** What is measured. Once. */
  run(): Promise<void>;
  /** Closes everything. Rejects when the run did not do what it should have: such a figure means nothing. */
  finish(): Promise<void>;
}

/** A moment, by the clock and by the processor time of the process. */
export interface Start {
  readonly at: number;
  readonly cpu: NodeJS.CpuUsage;
}

export function startNow(): Start {
  return { at: performance.now(), cpu: process.cpuUsage() };
}

/** @throws Error */
export function requireCount(what: string, actual: number | null, expected: number): void {
  if (actual !== expected) throw new Error(`${what}: ${actual} messages, expected ${expected}.`);
}
