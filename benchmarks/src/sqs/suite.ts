import { sqs } from '@anymq/sqs';
import { type BrokerSuite, brokerSuite, imageVersion } from '../compare/broker-suite.ts';
import { sqsConsumer } from './bbc.ts';
import { requestsSent } from './counting-client.ts';
import { messageQueueToolkit } from './message-queue-toolkit.ts';
import { rawSqs } from './raw.ts';

export const sqsSuite: BrokerSuite = brokerSuite({
  broker: 'sqs',
  setting: 'an emulator: speed is its, processor time and calls are the clients’',
  ours: {
    driver: sqs,
    atOnce: 100,
    calls: requestsSent,
  },
  raw: rawSqs,
  others: [sqsConsumer, messageQueueToolkit],
  quickCounts: {
    sendMany: 1000,
    'send-awaited': 100,
    'send-at-once': 500,
    consume: 1000,
    'consume-batch': 1000,
  },
  latencies: { idle: { quick: 50, full: 200 }, perSecond: 100 },
  aims: {
    anymq: { sendMany: 1, consume: 1, 'consume-batch': 1 },
  },
  version: async () => imageVersion('sqs', 'ElasticMQ 1.7.1'),
});
