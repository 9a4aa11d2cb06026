import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { CreateTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { tableDefinition } from '@anymq/idempotency-dynamodb';
import { sharedBroker, startBroker, type StartedBroker } from '@anymq/testing/brokers';
import dynalite from 'dynalite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { partSize, prove, type Proof, type ProofOptions } from './once/proof.ts';
import type { Protection } from './once/settings.ts';

/** `ANYMQ_TEST_ONCE=long` takes a thousand keys, and every store on every broker. */
const isLong = process.env['ANYMQ_TEST_ONCE'] === 'long';
const keyCount = isLong ? 1000 : 200;
const limits = { timeout: 300_000 };

const urlOf = (name: 'redis' | 'rabbitmq' | 'kafka' | 'sqs' | 'postgres'): string | undefined =>
  sharedBroker(name)?.url;
const postgres = urlOf('postgres');
/** An emulator in this process, which the others reach by its port. */
const dynamodb = dynalite({ createTableMs: 0 }).listen(0, '127.0.0.1');
await once(dynamodb, 'listening');
const dynamodbUrl = `http://127.0.0.1:${(dynamodb.address() as AddressInfo).port}`;

const storeUrls: Readonly<Record<Protection, string | undefined>> = {
  transactional: postgres,
  redis: urlOf('redis'),
  postgres,
  dynamodb: dynamodbUrl,
};
const protections = Object.keys(storeUrls) as Protection[];
const brokers: readonly (readonly [broker: string, url: string | undefined, stores: readonly Protection[]])[] = [
  ['Redis Streams', urlOf('redis'), protections],
  ['RabbitMQ', urlOf('rabbitmq'), isLong ? protections : ['transactional', 'redis']],
  ['Kafka', urlOf('kafka'), isLong ? protections : ['transactional']],
  ['SQS', urlOf('sqs'), isLong ? protections : ['transactional', 'dynamodb']],
];

beforeAll(async () => {
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
  const client = new DynamoDBClient({ endpoint: dynamodbUrl, region: 'eu-west-1', credentials });
  await client.send(new CreateTableCommand(tableDefinition()));
  client.destroy();
});
afterAll(() => new Promise((resolve) => dynamodb.close(resolve)));

describe.each(brokers)(
  'on %s, with processes that are killed and handlers that fail',
  limits,
  (_, brokerUrl, chosen) => {
    describe.runIf(brokerUrl && postgres)('every key has its effect', () => {
      test.each(chosen)('with %s', async (protection) => {
        const urls = { brokerUrl: brokerUrl ?? '', storeUrl: storeUrls[protection] ?? '', journalUrl: postgres ?? '' };
        const proof = await prove({ ...urls, protection, keyCount });
        expectOnce(proof, protection);
        expect(proof.kills).toBeGreaterThanOrEqual(keyCount / partSize - 1);
      });
    });
  },
);

describe.runIf(urlOf('redis') && postgres)('when the server of the store', limits, () => {
  const servers = new Map<'redis' | 'postgres', StartedBroker>();
  beforeAll(async () => {
    const durable = { configuration: { appendonly: 'yes', appendfsync: 'always' } };
    servers.set('redis', await startBroker('redis', durable));
    servers.set('postgres', await startBroker('postgres'));
  }, 120_000);
  afterAll(() => Promise.all([...servers.values()].map(({ container }) => container.stop())));

  const proveOn = async (
    protection: 'redis' | 'postgres',
    disturb: (server: StartedBroker) => Promise<void>,
    options: Partial<ProofOptions> = {},
  ): Promise<void> => {
    const server = servers.get(protection) as StartedBroker;
    let disturbed = 0;
    const proof = await prove({
      brokerUrl: urlOf('redis') ?? '',
      journalUrl: postgres ?? '',
      storeUrl: server.url,
      protection,
      keyCount,
      disturb: async () => {
        await disturb(server);
        disturbed += 1;
      },
      ...options,
    });
    expectOnce(proof, protection);
    expect(disturbed).toBe(1);
  };

  // The work that is done when it goes is completed when it is there again: within a lease.
  test.each(['redis', 'postgres'] as const)('is restarted: %s', (protection) =>
    proveOn(protection, ({ container }) => container.restart(), { leaseMs: 15_000 }),
  );

  test.each(['redis', 'postgres'] as const)('answers only when the leases have ended: %s', (protection) =>
    proveOn(protection, async ({ container }) => {
      await container.pause();
      await new Promise((resolve) => setTimeout(resolve, 3000));
      await container.unpause();
    }),
  );
});

/** With the inbox, whose lock ends with its process, a run may begin before the other one's death is noted. */
function expectOnce(proof: Proof, protection: Protection): void {
  const { effects, missing, repeated, startedAfterCompletion, twoAtOnce } = proof;
  const isInbox = protection === 'transactional';
  const wrong = isInbox
    ? { missing, many: [...effects].filter(([, count]) => count !== 1) }
    : { missing, repeated, startedAfterCompletion, twoAtOnce };
  expect(Object.entries(wrong).filter(([, keys]) => keys.length > 0)).toEqual([]);
  expect(effects.size).toBe(keyCount);
}
