import { afterAll, beforeAll, expect, test } from 'vitest';
import { BrokerUnavailableError } from '@anymq/testing/brokers';
import type { BrokerBehindProxy } from '@anymq/testing/proxy';
import { startDriver } from '../src/drivers.ts';
import type { DriverName } from '../src/drivers.ts';
import { faults } from '../src/faults.ts';
import { isBad, runFault } from '../src/run-fault.ts';

const short = faults.filter((fault) => fault.short === true);

/** The faults that `npm test` runs, on one driver: a file each, so that they run beside each other. */
export function testShortForm(driver: DriverName): void {
  let behind: BrokerBehindProxy | undefined;
  let leftOut = '';

  // Where images are built first, that takes minutes.
  beforeAll(async () => {
    try {
      behind = await startDriver(driver, false);
    } catch (error) {
      if (!(error instanceof BrokerUnavailableError) || process.env['CI'] === 'true') throw error;
      leftOut = error.message;
      console.warn(`LEFT OUT: the faults on ${driver}: ${leftOut}`);
    }
  }, 600_000);
  afterAll(() => behind?.stop(), 300_000);

  const own = short.filter(({ drivers }) => drivers?.includes(driver) ?? true);
  test.each(own)('$name: nothing is lost, out of order or told', { timeout: 120_000 }, async (fault) => {
    const outcome = behind && (await runFault(fault, { driver, behind, messages: 480, rate: 300, seed: 1 }));
    expect(outcome === undefined ? leftOut : [isBad(outcome), outcome]).toEqual(
      outcome === undefined ? leftOut : [false, outcome],
    );
  });
}
