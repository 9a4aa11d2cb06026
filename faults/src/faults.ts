import type { Fault } from './fault.ts';
import { brokerFaults } from './faults/broker-faults.ts';
import { clusterFaults } from './faults/cluster-faults.ts';
import { networkFaults } from './faults/network-faults.ts';
import { processFaults } from './faults/process-faults.ts';

/** Every fault, in the order in which they run. */
export const faults: readonly Fault[] = [...processFaults, ...brokerFaults, ...clusterFaults, ...networkFaults];
