import { expect, test } from 'vitest';
import type { ClientFactory, KafkaProducer } from '../src/client.ts';
import { classifyError } from '../src/errors.ts';
import { Writer } from '../src/writer.ts';

/** Producers that know of so many partitions, and drop what goes to others, as kafkajs does. */
function factoryOf(...partitions: readonly number[]): ClientFactory {
  let made = 0;
  return {
    create: () => ({
      consumer: () => undefined,
      producer: () => producerOf(partitions[made++] ?? 0),
    }),
  };
}

function producerOf(partitions: number): KafkaProducer {
  return {
    connect: async () => undefined,
    disconnect: async () => undefined,
    async sendBatch({ topicMessages }) {
      return topicMessages.flatMap(({ topic, messages }) =>
        messages
          .filter(({ partition }) => partition < partitions)
          .map(({ partition }) => ({ topicName: topic, partition, baseOffset: '7' })),
      );
    },
  };
}

test('what the client drops because it does not know the partition yet is no success, and goes with a new client', async () => {
  const record = { partition: 1, key: null, value: Buffer.from('x'), headers: {}, timestamp: '0' };
  const writer = new Writer(factoryOf(1, 2));
  const { offsets, error } = await writer.write([{ topic: 't', record }]);
  expect(offsets).toEqual([]);
  expect(classifyError(error)).toMatchObject({ code: 'NOT_CONNECTED', retryable: true });
  expect(await writer.write([{ topic: 't', record }])).toEqual({ offsets: ['7'] });
  await writer.close();
});
