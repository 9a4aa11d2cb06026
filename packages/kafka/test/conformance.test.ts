import { testDriver } from '@anymq/testing';
import { sharedBroker, startBroker } from '@anymq/testing/brokers';
import { describe } from 'vitest';
import { createHarness } from './support/harness.ts';

const shared = sharedBroker('kafka');
/** The suite restarts it, so it is no other test's. */
const own = shared?.container === undefined ? undefined : await startBroker('kafka');
const url = own?.url ?? shared?.url;
const restart = own && (() => own.container.restart());
const harness =
  url === undefined ? undefined : await createHarness({ broker: url.replace(/^kafka:\/\//, ''), restart });

describe.runIf(harness !== undefined)('on a real broker', () => {
  if (harness === undefined) return;
  const close = async (): Promise<void> => {
    await harness.close();
    await own?.container.stop();
  };
  testDriver({ ...harness, close }, { concurrency: 8 });
});
