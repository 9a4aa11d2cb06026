import { brokerUrl, containerHandle } from './broker.ts';
import type { Broker } from './broker.ts';
import { urlInEnvironment } from './broker-table.ts';
import type { BrokerName } from './broker-table.ts';
import type { StartedContainer } from './container.ts';

// What vitest's main process started reaches its workers, and the programs that tests start, through the environment.
const variable = 'ANYMQ_RUN_BROKERS';

type SharedBrokers = Partial<Record<BrokerName, readonly StartedContainer[] | 'left out'>>;

/**
 * The broker that `brokerSetup` got for the whole run, in a test or in a program that a test started. Undefined where it
 * was left out: `describe.skipIf(broker === undefined)`. All test files share it, so only what is kept apart by names may
 * be changed; who restarts or breaks a broker starts one with `startBroker`.
 *
 * @throws {Error} when no set-up looked after that broker
 */
export function sharedBroker(name: BrokerName): Broker | undefined {
  const url = urlInEnvironment(name);
  if (url !== undefined) return { name, url, container: undefined };
  const containers = readShared()[name];
  if (containers === undefined)
    throw new Error(`No test/global-setup.ts gets ${name}: export setup = brokerSetup('${name}')`);
  if (containers === 'left out') return undefined;
  return { name, url: brokerUrl(name, containers), container: containerHandle(name, containers) };
}

export function readShared(): SharedBrokers {
  return JSON.parse(process.env[variable] ?? '{}') as SharedBrokers;
}

export function share(name: BrokerName, containers: readonly StartedContainer[] | 'left out' | undefined): void {
  process.env[variable] = JSON.stringify({ ...readShared(), [name]: containers });
}
