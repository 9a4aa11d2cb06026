import type { DriverName } from './drivers.ts';
import { startDriver } from './drivers.ts';
import { createSoak } from './faults/endurance.ts';
import type { Held } from './faults/endurance.ts';
import type { Outcome } from './run-fault.ts';
import { runFault } from './run-fault.ts';

export interface SoakOptions {
  readonly minutes: number;
  /** Sends per second and driver. */
  readonly rate: number;
  readonly seed: number;
}

export interface SoakOutcome {
  readonly outcome: Outcome;
  readonly minutes: number;
  readonly held: readonly Held[];
}

/** All of these drivers at the same time, each with faults of its own choice. */
export async function soak(
  names: readonly DriverName[],
  options: SoakOptions,
  tell: (outcome: SoakOutcome) => void,
): Promise<readonly SoakOutcome[]> {
  return Promise.all(
    names.map(async (driver, place) => {
      const outcome = await soakOne(driver, { ...options, seed: options.seed + place });
      tell(outcome);
      return outcome;
    }),
  );
}

async function soakOne(driver: DriverName, { minutes, rate, seed }: SoakOptions): Promise<SoakOutcome> {
  const behind = await startDriver(driver, false);
  let held: readonly Held[] = [];
  try {
    const fault = createSoak(minutes, (found) => (held = found));
    const outcome = await runFault(fault, { driver, behind, messages: minutes * 60 * rate, rate, seed });
    return { outcome, minutes, held };
  } finally {
    await behind.stop();
  }
}

// What a heap may grow by while caches fill and code is compiled.
const mostBytesMore = 8 * 1024 * 1024;

/** What a process holds more of than when it was warm, in words; empty where nothing is. */
export function grown({ first, last }: Held): readonly string[] {
  const bytes = (['heapBytes', 'externalBytes'] as const).filter((name) => last[name] > first[name] + mostBytesMore);
  const counts = (['sockets', 'timers', 'listeners'] as const).filter(
    // Timers and sockets come and go with what is under way.
    (name) => last[name] > 1.5 * first[name] + 5,
  );
  return [...bytes, ...counts].map((name) => `${name}: ${first[name]} → ${last[name]}`);
}
