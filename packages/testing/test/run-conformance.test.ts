import type { Capabilities, Driver } from '@anymq/core/driver';
import { createMemoryBroker, crashMemoryDriver, createMemoryDriver } from '@anymq/memory';
import { expect, test } from 'vitest';
import { allCases, allGroups, runConformance, type Harness } from '../src/conformance.ts';

const timeout = 60_000;

const bare = {
  history: false,
  priority: false,
  expiry: false,
  transactions: false,
  exactBacklog: false,
  brokerFilter: false,
  orderedScaleOut: false,
} as const satisfies Partial<Capabilities>;

/** Without anything that is optional: neither capabilities nor members. */
function bareHarness(): Harness {
  const broker = createMemoryBroker({
    clock: {
      now: () => Date.now(),
      setTimeout: (callback, delayMs) => setTimeout(callback, delayMs).unref(),
      clearTimeout: (timer) => clearTimeout(timer as NodeJS.Timeout),
    },
  });
  return {
    name: 'bare memory',
    createDriver: async (namespace) => createMemoryDriver({ broker, namespace, capabilities: bare }) as Driver,
    crash: async (driver) => crashMemoryDriver(driver),
    close: async () => undefined,
  };
}

test('a driver without any capability keeps the guarantees, and what is not run says why', { timeout }, async () => {
  const results = await runConformance(bareHarness());
  expect(results.filter(({ status }) => status === 'failed')).toEqual([]);
  expect(results.length).toBe(allCases.length);
  const reasons = results.flatMap((result) => (result.status === 'not-run' ? [result.reason] : []));
  expect(new Set(reasons)).toEqual(
    new Set([
      "the driver does not declare 'history'",
      "the driver does not declare 'priority'",
      "the driver does not declare 'expiry'",
      "the driver does not declare 'transactions'",
      "the driver does not declare 'exactBacklog'",
      "the driver does not declare 'brokerFilter'",
      "the driver does not declare 'orderedScaleOut'",
      "the harness has no 'restartBroker'",
      "the harness has no 'cutConnections'",
      "the harness has no 'writeForeign'",
    ]),
  );
});

test('only the groups that were asked for run, and an aborted signal ends the run', async () => {
  const some = await runConformance(bareHarness(), { groups: ['middleware'] });
  expect(new Set(some.map(({ group }) => group))).toEqual(new Set(['middleware']));
  const none = await runConformance(bareHarness(), { signal: AbortSignal.abort() });
  expect(none).toEqual([]);
});

test('every group has cases, and no two cases of a group have one name', () => {
  const names = allCases.map(({ group, name }) => `${group} ${name}`);
  expect(new Set(names).size).toBe(names.length);
  expect(new Set(allCases.map(({ group }) => group))).toEqual(new Set(allGroups));
});
