import { kafka } from '@anymq/kafka';
import { anymqContender, memoryStore } from '../compare/anymq.ts';
import type { BrokerSuite } from '../compare/broker-suite.ts';
import { platformaticKafka } from './platformatic.ts';
import { partitions, rawKafka } from './raw.ts';

/** As many as the raw client has in a batch. */
const ours = { driver: kafka, atOnce: 500, partitions };

export const kafkaSuite: BrokerSuite = {
  broker: 'kafka',
  start: {},
  setting: 'KRaft, one node, 4 partitions',
  // Joining a group takes longer than reading what a run has in it.
  timedFrom: 'first message',
  contenders: () => [
    anymqContender(ours),
    rawKafka,
    anymqContender({ ...ours, name: 'anymq idempotent', store: memoryStore }),
    platformaticKafka,
  ],
  counts: (size) => {
    const factor = size === 'quick' ? 1 : 4;
    return {
      sendMany: 20_000 * factor,
      'send-awaited': 500 * factor,
      'send-at-once': 3000 * factor,
      consume: 30_000 * factor,
      'consume-batch': 30_000 * factor,
    };
  },
  latency: (size) => ({
    idle: { messages: size === 'quick' ? 100 : 500, pauseMs: 1 },
    steady: { messages: size === 'quick' ? 1000 : 2500, perSecond: 500 },
    rounds: 3,
  }),
  aims: {
    anymq: { sendMany: 1, 'send-awaited': 0.9, consume: 0.6, 'consume-batch': 0.9 },
  },
  version: async () => 'Kafka 4.3.0',
};
