import { containerHandle } from './broker.ts';
import { brokerTable, urlInEnvironment } from './broker-table.ts';
import type { BrokerName } from './broker-table.ts';
import { processGuard } from './guard.ts';
import { BrokerUnavailableError } from './image.ts';
import { say, timed } from './say.ts';
import { readShared, share } from './shared-brokers.ts';
import { startContainers } from './start-broker.ts';
import type { StartBrokerOptions } from './start-broker.ts';

/** Ends what a set-up began. */
type Teardown = () => Promise<void>;

/**
 * Vitest's global set-up of a suite that needs that broker: one for the whole run, got only when a test of the suite is
 * selected. In a file that `globalSetup` names: `export const setup = brokerSetup('redis')`; tests get it by `sharedBroker`.
 *
 * Taken is what the environment names (`ANYMQ_TEST_REDIS_URL` and so on), else a container that is started. Where neither
 * is to be had, the run fails if `CI` is true; otherwise it goes on without, and says so at its beginning and at its end.
 */
export function brokerSetup(name: BrokerName, options: StartBrokerOptions = {}): () => Promise<Teardown | void> {
  return async () => {
    if (urlInEnvironment(name) !== undefined || readShared()[name] !== undefined) return;
    try {
      return await setUp(name, options);
    } catch (error) {
      if (!(error instanceof BrokerUnavailableError) || isContinuousIntegration()) throw error;
      return leaveOut(name, error.message);
    }
  };
}

async function setUp(name: BrokerName, options: StartBrokerOptions): Promise<Teardown> {
  const containers = await timed(say, `starting ${name}`, () => startContainers(name, options, processGuard(), 'run'));
  share(name, containers);
  return async () => {
    share(name, undefined);
    await containerHandle(name, containers).stop();
  };
}

function leaveOut(name: BrokerName, reason: string): Teardown {
  const warning = [
    `${'!'.repeat(20)} THE TESTS ON ${name.toUpperCase()} ARE LEFT OUT ${'!'.repeat(20)}`,
    reason,
    `To run them: get Docker going, or set ${brokerTable[name].variable} to the URL of a broker that tests may use.`,
  ];
  const warn = () => warning.forEach((line) => say(line));
  warn();
  share(name, 'left out');
  return async () => {
    share(name, undefined);
    warn();
  };
}

function isContinuousIntegration(): boolean {
  return process.env['CI'] === 'true';
}
