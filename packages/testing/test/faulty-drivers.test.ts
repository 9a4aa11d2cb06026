import { systemClock } from '@anymq/core';
import type { Driver } from '@anymq/core/driver';
import { createMemoryBroker, crashMemoryDriver, createMemoryDriver } from '@anymq/memory';
import { afterAll, describe, expect, test, vi } from 'vitest';
import {
  breakHarness,
  faultyDrivers,
  runConformance,
  type CaseResult,
  type FaultyDriver,
  type Harness,
} from '../src/conformance.ts';

// They wait more than they compute.
const atOnce = 10;
vi.setConfig({ maxConcurrency: atOnce });
// Each run listens for rejections that nobody handles.
process.setMaxListeners(process.getMaxListeners() + atOnce);

const clock = {
  ...systemClock,
  setTimeout: (callback: () => void, delayMs: number) => setTimeout(callback, delayMs).unref(),
};

function memoryHarness(): Harness {
  const broker = createMemoryBroker({ clock });
  return {
    name: 'memory',
    createDriver: async (namespace) => createMemoryDriver({ broker, namespace }) as Driver,
    crash: async (driver) => crashMemoryDriver(driver),
    restartBroker: async () => broker.faults.restart(),
    cutConnections: async () => broker.faults.disconnect(),
    close: async () => undefined,
  };
}

interface Catch {
  readonly driver: string;
  readonly group: string;
  readonly caughtBy: string;
}
const catches: Catch[] = [];

/** Stops as soon as each of its groups has a case that failed. */
async function hunt(faulty: FaultyDriver): Promise<ReadonlyMap<string, CaseResult>> {
  const found = new Map<string, CaseResult>();
  const enough = new AbortController();
  await runConformance(breakHarness(memoryHarness(), faulty), {
    groups: faulty.caughtBy,
    timeScale: 0.15,
    concurrency: 8,
    signal: enough.signal,
    onResult(result) {
      if (result.status === 'failed' && !found.has(result.group)) found.set(result.group, result);
      if (found.size === faulty.caughtBy.length) enough.abort();
    },
  });
  return found;
}

describe.concurrent('the suite catches', { timeout: 120_000 }, () => {
  for (const faulty of faultyDrivers) {
    test(`a driver that ${faulty.name}`, async () => {
      const found = await hunt(faulty);
      for (const { group, name } of found.values()) catches.push({ driver: faulty.name, group, caughtBy: name });
      expect([...found.keys()].toSorted()).toEqual([...faulty.caughtBy].toSorted());
    });
  }
});

describe('and', () => {
  test('not a healthy one, under the same short bounds', { timeout: 120_000 }, async () => {
    const groups = [...new Set(faultyDrivers.flatMap(({ caughtBy }) => caughtBy))];
    const results = await runConformance(memoryHarness(), { groups, timeScale: 0.15, concurrency: 8 });
    expect(results.filter(({ status }) => status === 'failed')).toEqual([]);
  });

  test('there are at least 20 of them, each with a name of its own', () => {
    expect(faultyDrivers.length).toBeGreaterThanOrEqual(20);
    expect(new Set(faultyDrivers.map(({ name }) => name)).size).toBe(faultyDrivers.length);
  });
});

afterAll(() => {
  const width = Math.max(...catches.map(({ driver }) => driver.length));
  const lines = catches.map(({ driver, group, caughtBy }) => `${driver.padEnd(width)}  ${group}: ${caughtBy}`);
  console.log(lines.join('\n'));
});
