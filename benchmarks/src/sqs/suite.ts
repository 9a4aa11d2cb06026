import { sqs } from '@anymq/sqs';
import { anymqContender, memoryStore } from '../compare/anymq.ts';
import type { BrokerSuite } from '../compare/broker-suite.ts';
import { sqsConsumer } from './bbc.ts';
import { countingClient } from './counting-client.ts';
import { rawSqs } from './raw.ts';

const ours = {
  driver: sqs,
  atOnce: 100,
  connection: (url: string) => {
    const { client, calls } = countingClient(url);
    return { broker: { driver: 'sqs', region: new URL(url).hostname, client }, calls, close: () => client.destroy() };
  },
};

export const sqsSuite: BrokerSuite = {
  broker: 'sqs',
  start: {},
  setting: 'an emulator: speed is its, processor time and calls are the clients’',
  contenders: () => [
    anymqContender(ours),
    rawSqs,
    anymqContender({ ...ours, name: 'anymq idempotent', store: memoryStore }),
    sqsConsumer,
  ],
  counts: (size) => {
    const factor = size === 'quick' ? 1 : 4;
    return {
      sendMany: 1000 * factor,
      'send-awaited': 100 * factor,
      'send-at-once': 500 * factor,
      consume: 1000 * factor,
      'consume-batch': 1000 * factor,
    };
  },
  latency: (size) => ({
    idle: { messages: size === 'quick' ? 50 : 200, pauseMs: 1 },
    steady: { messages: size === 'quick' ? 200 : 500, perSecond: 100 },
    rounds: 3,
  }),
  aims: {
    anymq: { sendMany: 1, consume: 1, 'consume-batch': 1 },
  },
  version: async () => 'ElasticMQ 1.7.1',
};
