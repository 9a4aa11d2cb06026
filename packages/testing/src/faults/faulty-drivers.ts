import type { FaultyDriver } from './faulty-driver.ts';

export const faultyDrivers: readonly FaultyDriver[] = [];
