import type { Driver, OutgoingMessage } from '@anymq/core/driver';
import { createSqsDriver } from '@anymq/sqs';
import { afterEach, expect, test, vi } from 'vitest';
import { bringing, entriesOf, rawMessage, scriptedClient } from './support/scripted-client.ts';

const standard = { kind: 'queue', name: 'jobs', ordering: 'none', partitions: 8 } as const;
const fifo = { ...standard, ordering: 'key' } as const;
const { signal } = new AbortController();
const opened: Driver[] = [];

async function driverOn(client: ReturnType<typeof scriptedClient>): Promise<Driver> {
  const driver = await createSqsDriver({ client, region: 'eu-west-1', namespace: 'test' });
  opened.push(driver);
  return driver;
}

afterEach(async () => {
  for (const driver of opened.splice(0)) await driver.close();
});

function due(dueAt: number): OutgoingMessage {
  const body = new TextEncoder().encode('{}');
  return { id: 'a', key: 'k', headers: {}, time: new Date(), type: 'jobs', source: '/test', body, dueAt };
}

test.each([
  [0, 0],
  [900, 0],
  [10_400, 10],
  [901_000, 900],
  [604_800_000, 900],
])('a standard queue delays %i ms for %i s: rounded down, 15 minutes at the most', async (delayMs, seconds) => {
  const client = scriptedClient();
  const sender = await (await driverOn(client)).openSender(standard);
  await sender.sendBatch([due(Date.now() + delayMs + 50)], { signal });
  expect(entriesOf(client.of('SendMessageBatch')[0]?.input ?? {})[0]?.['DelaySeconds']).toBe(seconds);
});

test('a FIFO queue delays by no delay of its own: the message waits in a group of its own', async () => {
  const client = scriptedClient();
  const sender = await (await driverOn(client)).openSender(fifo);
  await sender.sendBatch([due(Date.now() + 60_000)], { signal });
  const [entry] = entriesOf(client.of('SendMessageBatch')[0]?.input ?? {});
  expect(entry?.['DelaySeconds']).toBeUndefined();
  expect(entry?.['MessageGroupId']).toMatch(/^\.anymq-due-/);
});

/** Receives one message that waits in a FIFO queue. */
async function receiving(dueInMs: number): Promise<ReturnType<typeof scriptedClient>> {
  const client = scriptedClient();
  const rest = { 'anymq-due': String(Date.now() + dueInMs), ce_partitionkey: 'k', ce_id: 'a' };
  const attribute = { DataType: 'String', StringValue: JSON.stringify(rest) };
  const raw = { ...rawMessage('a', { group: '.anymq-due-x' }), MessageAttributes: { anymq: attribute } };
  client.on('ReceiveMessage', bringing([raw]));
  const receiver = await (
    await driverOn(client)
  ).openReceiver(fifo, {
    maxInFlight: 10,
    maxBytes: 1_000_000,
    ordered: true,
    leaseMs: 30_000,
    onLost: () => undefined,
  });
  const enough = new AbortController();
  const nothing = receiver.receive({ signal: enough.signal, maxMessages: 10, maxBytes: 1_000_000 });
  await vi.waitFor(() => expect(client.calls.some(({ name }) => name.endsWith('Batch'))).toBe(true), 3000);
  enough.abort();
  expect(await nothing).toEqual([]);
  return client;
}

test.each([
  [10_500, 10],
  [604_800_000, 43_140],
])(
  'one that is due in %i ms is made invisible for %i s, 12 hours at the most, and is not handed out',
  async (ms, seconds) => {
    const client = await receiving(ms);
    const [entry] = entriesOf(client.of('ChangeMessageVisibilityBatch')[0]?.input ?? {});
    expect(entry?.['VisibilityTimeout']).toBe(seconds);
    expect(client.of('SendMessageBatch')).toEqual([]);
  },
);

test.each([0, 300])(
  'one that is due in %i ms goes to the group of its key then, and is deleted after that',
  async (ms) => {
    const began = Date.now();
    const client = await receiving(ms);
    expect(Date.now() - began).toBeGreaterThanOrEqual(ms - 3);
    const [entry] = entriesOf(client.of('SendMessageBatch')[0]?.input ?? {});
    expect(entry?.['MessageGroupId']).toBe('k');
    await vi.waitFor(() => expect(client.of('DeleteMessageBatch')).toHaveLength(1));
  },
);
