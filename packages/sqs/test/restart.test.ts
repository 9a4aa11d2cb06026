import { createClient, defineQueue } from '@anymq/core';
import { testDriver } from '@anymq/testing';
import { sharedBroker, startBroker } from '@anymq/testing/brokers';
import { describe, expect, test } from 'vitest';
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

  test('a message that waits in a queue ordered by key comes in its time, though the member that hid it died and the broker restarts', async () => {
    const jobs = defineQueue<string>('hops', { ordering: 'key', key: () => 'k' });
    const [dying, driver] = [await harness.createDriver('hops'), await harness.createDriver('hops')];
    const first = await createClient(dying);
    await using mq = await createClient(driver);
    const dueAt = Date.now() + 6000;
    await mq.producer(jobs).send('late', { delayMs: 6000 });
    let early = 0;
    await first.consumer(jobs, {}, () => void (early += 1)).start();
    // Hidden by its receiver until it is due: SQS counts that as in flight.
    await expect.poll(async () => (await mq.inspect(jobs)).inFlight.value, { timeout: 5000 }).toBe(1);
    await harness.crash?.(dying);
    await own.container.restart();
    const handled = Promise.withResolvers<number>();
    await mq.consumer(jobs, {}, () => handled.resolve(Date.now())).start();
    expect(await handled.promise).toBeGreaterThanOrEqual(dueAt);
    expect(early).toBe(0);
    await mq.remove([jobs]);
    await first.close({ deadlineMs: 0 });
  });

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
