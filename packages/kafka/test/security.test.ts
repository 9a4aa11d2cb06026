import { inspect } from 'node:util';
import { connect, createClient, defineQueue } from '@anymq/core';
import { createKafkaDriver, kafka, type KafkaDriverOptions, type KafkaSasl } from '@anymq/kafka';
import { createCertificates, sharedBroker, startBroker, type StartedBroker } from '@anymq/testing/brokers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const { ca, cert, key } = createCertificates();
const username = 'shop';
const password = 'p@ss:word/%-s3cret';
const queue = defineQueue<string>('secure', { partitions: 1 });
const lines = (pem: string): string => pem.trim().replaceAll('\n', '\\n');

/** By `server.properties`: the listener that clients reach asks for TLS and a user. */
const configuration = {
  'listener.security.protocol.map': 'PLAINTEXT:SASL_SSL,BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT',
  'ssl.keystore.type': 'PEM',
  'ssl.keystore.certificate.chain': lines(cert),
  'ssl.keystore.key': lines(key),
  'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER',
  'listener.name.plaintext.plain.sasl.jaas.config': `org.apache.kafka.common.security.plain.PlainLoginModule required user_${username}="${password}";`,
  'listener.name.plaintext.scram-sha-256.sasl.jaas.config':
    'org.apache.kafka.common.security.scram.ScramLoginModule required;',
  'listener.name.plaintext.scram-sha-512.sasl.jaas.config':
    'org.apache.kafka.common.security.scram.ScramLoginModule required;',
  // Tokens without a signature are taken: what is tested is how ours gets there.
  'listener.name.plaintext.oauthbearer.sasl.jaas.config':
    'org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker";',
};

describe.runIf(sharedBroker('kafka')?.container !== undefined)(
  'a broker with TLS and users',
  { timeout: 60_000 },
  () => {
    let broker: StartedBroker;
    let address: string;

    beforeAll(async () => {
      broker = await startBroker('kafka', { configuration });
      address = broker.url.replace('kafka://', '');
      for (const mechanism of ['SCRAM-SHA-256', 'SCRAM-SHA-512']) {
        await broker.container.exec([
          ...['java', '-cp', '/opt/kafka/libs/*', 'kafka.admin.ConfigCommand', '--bootstrap-server', '127.0.0.1:9094'],
          ...['--alter', '--entity-type', 'users', '--entity-name', username],
          ...['--add-config', `${mechanism}=[password=${password}]`],
        ]);
      }
    }, 120_000);
    afterAll(() => broker.container.stop());

    async function roundTrip(options: KafkaDriverOptions): Promise<string> {
      const client = await createClient(await createKafkaDriver({ brokers: [address], ssl: { ca }, ...options }));
      const { promise, resolve } = Promise.withResolvers<string>();
      const consumer = client.consumer(queue, {}, (body) => resolve(body));
      await consumer.start();
      await client.producer(queue).send('hello');
      const body = await promise;
      await client.remove([queue]);
      await client.close();
      return body;
    }

    const logins: readonly KafkaSasl[] = [
      { mechanism: 'plain', username, password },
      { mechanism: 'scram-sha-256', username, password },
      { mechanism: 'scram-sha-512', username, password },
      { mechanism: 'oauthbearer', token: async () => unsecuredToken() },
    ];

    test.for(logins)('$mechanism: messages go and come', async (sasl) => {
      expect(await roundTrip({ sasl, namespace: `s-${sasl.mechanism.slice(-6)}` })).toBe('hello');
    });

    const refused: readonly KafkaSasl[] = [
      { mechanism: 'plain', username, password: `not-${password}` },
      { mechanism: 'scram-sha-256', username, password: `not-${password}` },
      { mechanism: 'scram-sha-512', username, password: `not-${password}` },
      { mechanism: 'oauthbearer', token: async () => `not.${password}.` },
    ];

    test.for(refused)('$mechanism: who is refused is told so at once, without the secret', async (sasl) => {
      const said: unknown[] = [];
      const log = (message: string, fields?: unknown): void => void said.push(message, fields);
      const logger = { debug: log, info: log, warn: log, error: log };
      const driver = { driver: 'kafka', brokers: [address], ssl: { ca }, sasl };
      const error: unknown = await connect({ brokers: { main: driver } }, { drivers: [kafka], logger }).catch(
        (failure: unknown) => failure,
      );
      expect(error).toMatchObject({ code: 'UNAUTHENTICATED', retryable: false });
      expect(inspected([error, said])).not.toContain(password);
    });

    test('a certificate that nobody vouches for is refused, and so is a client that does not speak TLS', async () => {
      const sasl = { mechanism: 'plain', username, password } as const;
      await expect(createKafkaDriver({ brokers: [address], ssl: true, sasl })).rejects.toThrow(/certificate/);
      await expect(
        createKafkaDriver({ brokers: [address], sasl, connectTimeoutMs: 1000, requestTimeoutMs: 1000 }),
      ).rejects.toMatchObject({ name: expect.stringMatching(/^KafkaJS/) });
    });
  },
);

/** As RFC 7515 has it with the algorithm 'none'. */
function unsecuredToken(): string {
  const seconds = Math.floor(Date.now() / 1000);
  const parts = [{ alg: 'none' }, { sub: username, iat: seconds, exp: seconds + 600 }];
  return `${parts.map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')}.`;
}

function inspected(value: unknown): string {
  return inspect(value, { depth: 10, showHidden: true });
}
