import { type AddressInfo, createServer, type Server } from 'node:net';
import { AnymqError, connect } from '@anymq/core';
import { createKafkaDriver, kafka } from '@anymq/kafka';
import { describe, expect, test } from 'vitest';
import { classifyError } from '../src/errors.ts';

describe('a URL', () => {
  test.each([
    ['kafka://k1', { brokers: ['k1:9092'] }],
    ['kafka://k1:1,k2', { brokers: ['k1:1', 'k2:9092'] }],
    ['kafka://', { brokers: ['127.0.0.1:9092'] }],
    [
      'kafka://us%40er:p%3Aw@k1:9092/?ssl=true&sasl=scram-sha-512&connectTimeoutMs=7',
      {
        brokers: ['k1:9092'],
        sasl: { mechanism: 'scram-sha-512', username: 'us@er', password: 'p:w' },
        ssl: true,
        connectTimeoutMs: 7,
      },
    ],
    ['kafka://u:p@k1', { brokers: ['k1:9092'], sasl: { mechanism: 'plain', username: 'u', password: 'p' } }],
  ])('%s', (url, options) => {
    expect(kafka.parseUrl(url)).toEqual(options);
  });

  test.each([
    'http://k1',
    'kafka://k1/path',
    'kafka://u:secret@k1?what=1',
    'kafka://k1?sasl=plain',
    'kafka://%:secret@k1',
  ])('%s is refused, without its credentials', (url) => {
    const refusal = catching(() => kafka.parseUrl(url));
    expect(refusal).toMatchObject({ code: 'INVALID_OPTION' });
    expect(String((refusal as Error).message)).not.toContain('secret');
  });
});

test.each([
  [{ unheard: 1 }],
  [{ brokers: [] }],
  [{ brokers: ['no port'] }],
  [{ brokers: ['k1:9092'], client: {} }],
  [{ client: {} }],
  [{ sasl: { mechanism: 'plain', username: 'u' } }],
  [{ sasl: { mechanism: 'kerberos' } }],
  [{ sasl: { mechanism: 'oauthbearer' } }],
  [{ tiersMs: [5, 1] }],
  [{ tiersMs: [] }],
  [{ addPartitions: 'orders' }],
  [{ minSessionMs: 0 }],
  [{ mendKafkajs: 'no' }],
])('%j is refused before anything is connected', async (options) => {
  await expect(createKafkaDriver(options as never)).rejects.toMatchObject({ code: 'INVALID_OPTION' });
});

test('a broker that is not there is NOT_CONNECTED, and says nothing else', async () => {
  const refused = await createKafkaDriver({ brokers: ['127.0.0.1:1'] }).catch((error: unknown) => error);
  expect(classifyError(refused)).toEqual({ code: 'NOT_CONNECTED', retryable: true, outcome: 'not-sent' });
});

test('a cluster that refuses the password is UNAUTHENTICATED to connect as well', async () => {
  const server = await refusingBroker();
  const { port } = server.address() as AddressInfo;
  const connecting = connect(`kafka://user:secret@127.0.0.1:${port}`, { drivers: [kafka] });
  await expect(connecting).rejects.toMatchObject({ code: 'UNAUTHENTICATED', retryable: false, driver: 'kafka' });
  server.close();
});

test.each([
  [{ name: 'KafkaJSProtocolError', type: 'UNKNOWN_TOPIC_OR_PARTITION' }, 'NOT_FOUND', false],
  [{ name: 'KafkaJSProtocolError', type: 'NOT_ENOUGH_REPLICAS_AFTER_APPEND' }, 'THROTTLED', true],
  [{ name: 'KafkaJSProtocolError', type: 'TOPIC_AUTHORIZATION_FAILED' }, 'ACCESS_DENIED', false],
  [{ name: 'KafkaJSSASLAuthenticationError' }, 'UNAUTHENTICATED', false],
  [{ name: 'KafkaJSNumberOfRetriesExceeded', cause: { name: 'KafkaJSRequestTimeoutError' } }, 'TIMEOUT', true],
  [{ name: 'KafkaJSAggregateError', errors: [{ type: 'POLICY_VIOLATION' }] }, 'ACCESS_DENIED', false],
  [{ name: 'KafkaJSConnectionError', code: 'ECONNREFUSED' }, 'NOT_CONNECTED', true],
  [{ name: 'KafkaJSProtocolError', type: 'INVALID_PRODUCER_EPOCH' }, 'FENCED', false],
  [new AnymqError('TOO_LARGE', 'x'), 'TOO_LARGE', false],
  [{ name: 'Error' }, 'UNKNOWN', true],
])('%j is %s', (error, code, retryable) => {
  expect(classifyError(error)).toMatchObject({ code, retryable });
});

function catching(call: () => unknown): unknown {
  try {
    return call();
  } catch (error) {
    return error;
  }
}

/** Says that it knows the handshake (ApiVersions), and answers it with SASL_AUTHENTICATION_FAILED. */
async function refusingBroker(): Promise<Server> {
  const [handshake, apiVersions, failed] = [17, 18, 58];
  const server = createServer((socket) => {
    socket.on('data', (data) => {
      const request = Buffer.from(data);
      const isFirst = request.readInt16BE(4) === apiVersions;
      // The numbers of an answer, of two bytes each: its error, a list with its length in four bytes, and four bytes more.
      const numbers = isFirst ? [0, 0, 2, handshake, 0, 1, apiVersions, 0, 2, 0, 0] : [failed, 0, 0];
      const answer = Buffer.alloc(8 + 2 * numbers.length);
      answer.writeInt32BE(answer.length - 4, 0);
      request.copy(answer, 4, 8, 12);
      for (const [index, number] of numbers.entries()) answer.writeInt16BE(number, 8 + 2 * index);
      socket.write(answer);
    });
    socket.on('error', () => undefined); // Closed by the client, which is what it is for.
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}
