import { createRandom } from '../random.ts';
import type { Random } from './values.ts';

/** Something that reads what strangers wrote. */
export interface FuzzTarget {
  readonly name: string;
  /** Reads one made-up input; throws where a decoder does what it must not. */
  readonly tryOne: (random: Random) => void;
}

export interface FuzzFinding {
  readonly target: string;
  /** Repeats the case: `tryOne(createRandom(seed))`. */
  readonly seed: number;
  readonly problem: string;
}

export interface FuzzResult {
  readonly target: string;
  readonly cases: number;
  readonly slowestMs: number;
  /** The first few. */
  readonly findings: readonly FuzzFinding[];
}

const mostFindings = 5;
// What a decoder takes for 64 KiB, on a machine that does much else.
const slowMs = 2000;

/** Tries so many cases, each with a seed of its own that follows from the run's. */
export function fuzz(target: FuzzTarget, cases: number, runSeed: number): FuzzResult {
  const findings: FuzzFinding[] = [];
  let slowestMs = 0;
  for (let index = 0; index < cases && findings.length < mostFindings; index++) {
    const seed = (runSeed + Math.imul(index, 0x9e3779b1)) >>> 0;
    const started = performance.now();
    const problem = problemOf(target, seed);
    const ms = performance.now() - started;
    slowestMs = Math.max(slowestMs, ms);
    if (problem !== undefined) findings.push({ target: target.name, seed, problem });
    else if (ms > slowMs) findings.push({ target: target.name, seed, problem: `takes ${Math.round(ms)} ms` });
  }
  return { target: target.name, cases, slowestMs, findings };
}

/** What is wrong with that case; undefined where nothing is. */
export function problemOf({ tryOne }: FuzzTarget, seed: number): string | undefined {
  const before = prototypeNames();
  try {
    tryOne(createRandom(seed));
  } catch (error) {
    return error instanceof Error ? (error.stack ?? error.message) : 'threw what is no error';
  }
  return prototypeNames() === before ? undefined : 'changed a prototype';
}

function prototypeNames(): number {
  const prototypes: readonly object[] = [Object.prototype, Array.prototype, Function.prototype, String.prototype];
  return prototypes.reduce<number>((sum, prototype) => sum + Object.getOwnPropertyNames(prototype).length, 0);
}
