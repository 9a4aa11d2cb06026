import { rabbitmq } from '@anymq/rabbitmq';
import { connect } from 'amqplib';
import { type BrokerSuite, brokerSuite } from '../compare/broker-suite.ts';
import { nestRabbitmq } from './nest.ts';
import { rabbitmqClient } from './rabbitmq-client.ts';
import { rascal } from './rascal.ts';
import { rawRabbitmq } from './raw.ts';
import { storedMessage } from './stored-message.ts';

export const rabbitmqSuite: BrokerSuite = brokerSuite({
  broker: 'rabbitmq',
  setting: 'quorum queues, one node',
  // The raw client's prefetch.
  ours: { driver: rabbitmq, atOnce: 1000, look: (url, { queue = '' }) => storedMessage(url, queue) },
  raw: rawRabbitmq,
  others: [rabbitmqClient, rascal, nestRabbitmq],
  quickCounts: {
    sendMany: 10_000,
    'send-awaited': 500,
    'send-at-once': 10_000,
    consume: 10_000,
    'consume-batch': 10_000,
  },
  latencies: { idle: { quick: 200, full: 1000 }, perSecond: 1000 },
  aims: {
    anymq: { sendMany: 1, 'send-awaited': 0.9, consume: 1, 'consume-batch': 1 },
    'anymq idempotent': { consume: 0.9, 'consume-batch': 0.9 },
  },
  async version(url) {
    const connection = await connect(url);
    const { version } = connection.connection.serverProperties;
    await connection.close();
    return `RabbitMQ ${version}`;
  },
});
