import { testDriver } from '@anymq/testing';
import { sharedBroker } from '@anymq/testing/brokers';
import { describe } from 'vitest';
import { createHarness } from './support/harness.ts';

const broker = sharedBroker('sqs');

// Queues are at ElasticMQ, topics and the queues of their groups at fauxqs.
describe.runIf(broker !== undefined)('on emulators', () => {
  if (broker !== undefined) testDriver(createHarness(broker.url));
});
