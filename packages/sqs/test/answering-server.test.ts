import { createServer, type Server, type ServerResponse } from 'node:http';
import type { Driver } from '@anymq/core/driver';
import { createSqsDriver } from '@anymq/sqs';
import { afterEach, expect, test } from 'vitest';
import { messages, opened, signal, standard, wanted } from './support/opened.ts';
import { rawMessage } from './support/scripted-client.ts';

// What the clients of the SDK do that we make: over HTTP, to a server that answers as it is told.

type Answer = (response: ServerResponse) => void;
const queueUrl = { QueueUrl: 'http://127.0.0.1/1/q' };
let server: Server;
let driver: Driver;

function saying(body: object): Answer {
  return (response) => {
    response.setHeader('content-type', 'application/x-amz-json-1.0');
    response.end(JSON.stringify(body));
  };
}

async function answering(answers: Readonly<Record<string, Answer>>): Promise<Driver> {
  server = createServer((request, response) => {
    const action = String(request.headers['x-amz-target']).split('.').at(-1) ?? '';
    request.resume().on('end', () => answers[action]?.(response));
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as { readonly port: number };
  driver = await createSqsDriver({ region: 'eu-west-1', endpoint: `http://127.0.0.1:${port}` });
  return driver;
}

afterEach(async () => {
  await driver.close();
  server.closeAllConnections();
  server.close();
});

test('a body that arrives changed is not handed out (MD5)', async () => {
  const message = { ...rawMessage('a'), MD5OfBody: '00000000000000000000000000000000' };
  await answering({ GetQueueUrl: saying(queueUrl), ReceiveMessage: saying({ Messages: [message] }) });
  const { receiver } = await opened(driver);
  const error: unknown = await receiver.receive(wanted).catch((failure: unknown) => failure);
  expect(driver.classifyError(error)).toMatchObject({ code: 'UNKNOWN', retryable: true });
});

test('a send that SQS got changed is not confirmed, and may be sent again (MD5)', async () => {
  const Successful = [{ Id: '0', MessageId: 'm', MD5OfMessageBody: '00000000000000000000000000000000' }];
  await answering({ GetQueueUrl: saying(queueUrl), SendMessageBatch: saying({ Successful, Failed: [] }) });
  const sender = await driver.openSender(standard);
  const error: unknown = await sender.sendBatch(messages('a'), { signal }).catch((failure: unknown) => failure);
  expect(driver.classifyError(error)).toMatchObject({ code: 'UNKNOWN', retryable: true, outcome: 'unknown' });
});

test('polls that wait hold up no other call, nor each other: they have sockets of their own', async () => {
  const polls = 150;
  const all = Promise.withResolvers<void>();
  let waiting = 0;
  const Successful = [{ Id: '0', MessageId: 'm', MD5OfMessageBody: '0cc175b9c0f1b6a831c399e269772661' }];
  await answering({
    GetQueueUrl: saying(queueUrl),
    SendMessageBatch: saying({ Successful, Failed: [] }),
    ReceiveMessage() {
      if ((waiting += 1) === polls) all.resolve();
    },
  });
  const receivers = await Promise.all(Array.from({ length: polls }, () => opened(driver)));
  const ended = new AbortController();
  const receiving = receivers.map(({ receiver }) => receiver.receive({ ...wanted, signal: ended.signal }));
  await all.promise;
  const sender = await driver.openSender(standard);
  expect(await sender.sendBatch(messages('a'), { signal })).toMatchObject([{ ok: true }]);
  ended.abort();
  expect((await Promise.all(receiving)).flat()).toEqual([]);
  await Promise.all(receivers.map(({ receiver }) => receiver.close()));
});
