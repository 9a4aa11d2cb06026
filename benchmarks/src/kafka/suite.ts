import { kafka } from '@anymq/kafka';
import { type BrokerSuite, brokerSuite, imageVersion } from '../compare/broker-suite.ts';
import { nestKafka } from './nest.ts';
import { platformaticKafka } from './platformatic.ts';
import { partitions, rawKafka } from './raw.ts';

export const kafkaSuite: BrokerSuite = brokerSuite({
  broker: 'kafka',
  setting: 'KRaft, one node, 4 partitions',
  // Joining a group takes longer than reading what a run has in it.
  timedFrom: 'first message',
  // As many as the raw client has in a batch.
  ours: { driver: kafka, atOnce: 500, partitions },
  raw: rawKafka,
  others: [platformaticKafka, nestKafka],
  quickCounts: {
    sendMany: 20_000,
    'send-awaited': 500,
    'send-at-once': 3000,
    consume: 30_000,
    'consume-batch': 30_000,
  },
  latencies: { idle: { quick: 100, full: 500 }, perSecond: 500 },
  aims: {
    anymq: { sendMany: 1, 'send-awaited': 0.9, consume: 0.6, 'consume-batch': 0.9 },
  },
  version: async () => imageVersion('kafka', 'Kafka 4.3.0'),
});
