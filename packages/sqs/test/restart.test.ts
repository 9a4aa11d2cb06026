import { testDriver } from '@anymq/testing';
import { sharedBroker, startBroker } from '@anymq/testing/brokers';
import { describe } from 'vitest';
import { createHarness } from './support/harness.ts';

/**
 * fauxqs alone, for queues as well: what it has confirmed is in SQLite. ElasticMQ writes to its database behind its answer: of 43 messages that
 * it had confirmed to the AWS SDK alone, 4 were gone after a restart.
 */
const configuration = { FAUXQS_DATA_DIR: '/data', FAUXQS_PERSISTENCE: 'true' };

// AWS restarts nothing that a client sees: this is about what a client does while its queues do not answer.
const own = sharedBroker('sqs')?.container === undefined ? undefined : await startBroker('sqs', { configuration });

describe.runIf(own !== undefined)('on an emulator that restarts', () => {
  if (own === undefined) return;
  const endpoint = `http://127.0.0.1:${own.ports[1]}`;
  const harness = createHarness(`sqs://eu-west-1?endpoint=${endpoint}&snsEndpoint=${endpoint}`);
  testDriver(
    {
      ...harness,
      restartBroker: () => own.container.restart(),
      async close() {
        await harness.close();
        await own.container.stop();
      },
    },
    { needing: 'restartBroker' },
  );
});
