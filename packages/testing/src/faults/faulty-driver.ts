import type { Driver } from '@anymq/core/driver';
import type { Group } from '../conformance-case.ts';
import type { Harness } from '../harness.ts';

/** A driver with one mistake that a real adapter's author could make. */
export interface FaultyDriver {
  readonly name: string;
  /** Groups of the suite that must fail with it. */
  readonly caughtBy: readonly Group[];
  /** The same driver with the mistake. Called for each driver that a harness makes. */
  break(driver: Driver): Driver;
}

/** The harness, all of whose drivers have the mistake. */
export function breakHarness(harness: Harness, faulty: FaultyDriver): Harness {
  const healthy = new WeakMap<Driver, Driver>();
  return {
    name: `${harness.name}, ${faulty.name}`,
    async createDriver(namespace) {
      const driver = await harness.createDriver(namespace);
      const broken = faulty.break(driver);
      healthy.set(broken, driver);
      return broken;
    },
    crash: (driver) => harness.crash(healthy.get(driver) ?? driver),
    ...(harness.restartBroker === undefined ? {} : { restartBroker: async () => harness.restartBroker?.() }),
    ...(harness.cutConnections === undefined ? {} : { cutConnections: async () => harness.cutConnections?.() }),
    ...(harness.writeForeign === undefined
      ? {}
      : { writeForeign: async (address, raw) => harness.writeForeign?.(address, raw) }),
    close: () => harness.close(),
  };
}
