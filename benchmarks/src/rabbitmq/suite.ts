import { rabbitmq } from '@anymq/rabbitmq';
import { connect } from 'amqplib';
import { type AnymqOptions, anymqContender, memoryStore } from '../compare/anymq.ts';
import type { BrokerSuite } from '../compare/broker-suite.ts';
import { rabbitmqClient } from './rabbitmq-client.ts';
import { rascal } from './rascal.ts';
import { rawRabbitmq } from './raw.ts';
import { storedMessage } from './stored-message.ts';

/** The raw client's prefetch. */
const atOnce = 1000;
const look: NonNullable<AnymqOptions['look']> = (url, { queue = '' }) => storedMessage(url, queue);
const ours = { driver: rabbitmq, atOnce, look };

export const rabbitmqSuite: BrokerSuite = {
  broker: 'rabbitmq',
  start: {},
  setting: 'quorum queues, one node',
  contenders: () => [
    anymqContender(ours),
    rawRabbitmq,
    anymqContender({ ...ours, name: 'anymq idempotent', store: memoryStore }),
    rabbitmqClient,
    rascal,
  ],
  counts: (size) => {
    const factor = size === 'quick' ? 1 : 4;
    return {
      sendMany: 10_000 * factor,
      'send-awaited': 1000 * factor,
      'send-at-once': 10_000 * factor,
      consume: 20_000 * factor,
      'consume-batch': 20_000 * factor,
    };
  },
  latency: (size) => ({
    idle: { messages: size === 'quick' ? 200 : 1000, pauseMs: 1 },
    steady: { messages: size === 'quick' ? 2000 : 5000, perSecond: 1000 },
    rounds: 3,
  }),
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
};
