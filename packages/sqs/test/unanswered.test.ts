import { createServer, type Server } from 'node:http';
import { type AddressInfo } from 'node:net';
import type { Address } from '@anymq/core/driver';
import { expect, test } from 'vitest';
import { createSqsDriver } from '../src/driver.ts';

/** Knows where the queue is, and answers no send. */
async function silentSqs(): Promise<{ readonly server: Server; readonly endpoint: string; sent: Promise<void> }> {
  const sent = Promise.withResolvers<void>();
  const server = createServer((request, response) => {
    request.resume();
    if (request.headers['x-amz-target'] !== 'AmazonSQS.GetQueueUrl') return sent.resolve();
    response.setHeader('content-type', 'application/x-amz-json-1.0');
    response.end(JSON.stringify({ QueueUrl: 'http://127.0.0.1/000000000000/jobs' }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, sent: sent.promise };
}

const jobs: Address = { kind: 'queue', name: 'jobs', ordering: 'none', partitions: 1 };
const message = { id: 'a', body: Buffer.from('a'), headers: {}, time: new Date(0), type: 'jobs', source: '/test' };

test('a send that is never answered ends by the timeout, as unknown', async () => {
  const { server, endpoint } = await silentSqs();
  const driver = await createSqsDriver({ region: 'eu-west-1', endpoint, requestTimeoutMs: 1000 });
  const sender = await driver.openSender(jobs);
  const sending = sender.sendBatch([message], { signal: new AbortController().signal });
  const error: unknown = await sending.catch((reason: unknown) => reason);
  expect(driver.classifyError(error)).toMatchObject({ retryable: true, outcome: 'unknown' });
  await driver.close();
  server.close();
});

test('a send that is never answered ends when the driver closes, and leaves no connection', async () => {
  const { server, endpoint, sent } = await silentSqs();
  const driver = await createSqsDriver({ region: 'eu-west-1', endpoint });
  const sender = await driver.openSender(jobs);
  const sending = sender.sendBatch([message], { signal: new AbortController().signal });
  await sent;
  await Promise.all([expect(sending).rejects.toMatchObject({ name: 'TimeoutError' }), driver.close()]);
  // Calls back when the last connection is gone.
  await new Promise((resolve) => server.close(resolve));
});
