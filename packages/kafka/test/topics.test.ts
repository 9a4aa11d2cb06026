import { type Client, type ClientEvent, createClient, defineQueue } from '@anymq/core';
import { createKafkaDriver } from '@anymq/kafka';
import { sharedBroker } from '@anymq/testing/brokers';
import type { Admin } from 'kafkajs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { rawClient } from './support/raw-client.ts';

const broker = sharedBroker('kafka')?.url.replace(/^kafka:\/\//, '') ?? '';
const queue = defineQueue<string>('work', { partitions: 1 });
let namespaces = 0;

describe.runIf(broker !== '')('what others do to a topic', { timeout: 60_000 }, () => {
  const kafka = rawClient(broker);
  const events: ClientEvent[] = [];
  let namespace: string;
  let topic: string;
  let client: Client;
  let admin: Admin;

  beforeEach(async () => {
    namespace = `o${Date.now().toString(36)}-${++namespaces}`;
    topic = `${namespace}_work`;
    events.length = 0;
    const driver = await createKafkaDriver({ brokers: [broker], namespace });
    client = await createClient(driver, { onEvent: (event) => events.push(event) });
    admin = kafka.admin();
    await Promise.all([client.provision([queue]), admin.connect()]);
  });
  afterEach(async () => {
    await client.remove([queue]);
    await Promise.all([client.close(), admin.disconnect()]);
  });

  /** Consumes, and lets a test wait for the messages that were handled. */
  async function consume(
    handler: (attempt: number) => void = () => undefined,
  ): Promise<(count: number) => Promise<void>> {
    let handled = 0;
    const consumer = client.consumer(queue, { retry: { maxAttempts: 3, backoff: () => 100 } }, (_body, { attempt }) => {
      handler(attempt);
      handled++;
    });
    await consumer.start();
    return (count) => expect.poll(() => handled, { timeout: 30_000 }).toBe(count);
  }

  test('partitions that were added are read, and what fails in them is retried', async () => {
    const untilHandled = await consume((attempt) => {
      if (attempt === 1) throw new Error('once');
    });
    await admin.createPartitions({ topicPartitions: [{ topic, count: 3 }] });
    const messages = [0, 1, 2].map((partition) => ({ partition, value: '"x"' }));
    // kafkajs drops what goes to a partition that its metadata does not have yet.
    await expect.poll(async () => (await admin.fetchTopicOffsets(topic)).length).toBe(3);
    const producer = kafka.producer();
    await producer.connect();
    await producer.send({ topic, messages });
    await producer.disconnect();
    await untilHandled(3);
  });

  test('partitions are added by provision where it is named, and refused elsewhere with what they would do', async () => {
    const ordered = defineQueue<string>('work', { partitions: 3, ordering: 'key', key: () => 'k' });
    const refused = await client.provision([ordered]);
    expect(refused.differences.join(' ')).toMatch(/addPartitions.*A key may then go to another partition/);
    // A partition that was just made may have no leader yet.
    await expect.poll(async () => (await admin.fetchTopicOffsets(topic)).length).toBe(1);

    const driver = await createKafkaDriver({ brokers: [broker], namespace, addPartitions: ['work'] });
    await using growing = await createClient(driver);
    const allowed = await growing.provision([ordered]);
    expect(allowed).toMatchObject({ created: [`${topic}-1`, `${topic}-2`], differences: [] });
    await expect.poll(async () => (await admin.fetchTopicOffsets(topic)).length).toBe(3);
    expect(await growing.provision([ordered])).toMatchObject({ created: [], differences: [] });
  });

  test('a topic that was deleted under its consumer is told of, and read when it is there again', async () => {
    const untilHandled = await consume();
    await client.producer(queue).send('first');
    await untilHandled(1);
    await admin.deleteTopics({ topics: [topic] });
    const states = () => events.flatMap((event) => (event.type === 'consumer-state' ? [event.state] : []));
    await expect.poll(states, { timeout: 30_000 }).toContain('recovering');
    await admin.createTopics({ topics: [{ topic, numPartitions: 1 }] });
    await client.producer(queue).send('second');
    await untilHandled(2);
  });

  test('a topic that is deleted and made again at once is read from its beginning', async () => {
    const untilHandled = await consume();
    await client.producer(queue).send('first');
    await untilHandled(1);
    const committed = async () => {
      const [found] = await admin.fetchOffsets({
        groupId: client.physicalNames(queue)['group'] ?? '',
        topics: [topic],
      });
      return found?.partitions[0]?.offset;
    };
    await expect.poll(committed).toBe('1');
    await admin.deleteTopics({ topics: [topic] });
    await admin.createTopics({ waitForLeaders: false, topics: [{ topic, numPartitions: 1 }] });
    await client.producer(queue).send('second');
    await untilHandled(2);
  });
});
