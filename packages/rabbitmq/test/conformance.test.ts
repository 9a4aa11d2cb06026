import { testDriver } from '@anymq/testing';
import { sharedBroker, startBroker } from '@anymq/testing/brokers';
import { describe } from 'vitest';
import { createHarness } from './support/harness.ts';

const shared = sharedBroker('rabbitmq');
/** The suite restarts it, so it is no other test's. */
const own = shared?.container === undefined ? undefined : await startBroker('rabbitmq');
const url = own?.url ?? shared?.url;
const harness = url === undefined ? undefined : createHarness(url, own && (() => own.container.restart()));

describe.runIf(harness !== undefined)('on a real server', () => {
  if (harness === undefined) return;
  const close = async (): Promise<void> => {
    await harness.close();
    await own?.container.stop();
  };
  testDriver({ ...harness, close }, { concurrency: 8 });
});
