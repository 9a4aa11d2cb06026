import type { BrokerSpec } from './broker-spec.ts';
import { firstAnswer } from './first-answer.ts';

const protocolHeader = Uint8Array.from([0x41, 0x4d, 0x51, 0x50, 0, 0, 9, 1]);
// The first byte of a method frame on channel 0: the server's connection.start. It opens its port as the last of its boot.
const methodFrame = '\x01\0\0';

export const rabbitmq: BrokerSpec = {
  variable: 'ANYMQ_TEST_RABBITMQ_URL',
  containers: [
    {
      image: { official: 'rabbitmq:4', folder: 'rabbitmq', suite: 'trixie' },
      port: 5672,
      launch: (configuration) => {
        const lines = Object.entries(configuration).map(([name, value]) => `${name} = ${value}\n`);
        return lines.length === 0 ? {} : { files: { '/etc/rabbitmq/conf.d/90-test.conf': lines.join('') } };
      },
      answers: (port) => firstAnswer(port, protocolHeader, [methodFrame]),
    },
  ],
  versions: { '4.3': { image: { official: 'rabbitmq:4.3', folder: 'rabbitmq', suite: 'sid' } } },
  url: ([port]) => `amqp://guest:guest@127.0.0.1:${port}`,
};
