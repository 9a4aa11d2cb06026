import { deadLetterFaults } from './dead-letter-faults.ts';
import { driverFaults } from './driver-faults.ts';
import type { FaultyDriver } from './faulty-driver.ts';
import { receivingFaults } from './receiving-faults.ts';
import { sendingFaults } from './sending-faults.ts';
import { settlingFaults } from './settling-faults.ts';

/** Mistakes that adapters make, each with the groups of the suite that catch it. A suite nobody can fail proves nothing. */
export const faultyDrivers: readonly FaultyDriver[] = [
  ...sendingFaults,
  ...receivingFaults,
  ...settlingFaults,
  ...deadLetterFaults,
  ...driverFaults,
];
