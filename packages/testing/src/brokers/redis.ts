import type { BrokerSpec, ContainerSpec } from './broker-spec.ts';
import { firstAnswer } from './first-answer.ts';

// Nothing is written to disk unless the test asks for it: `{ appendonly: 'yes', appendfsync: 'always' }`.
const defaults = { bind: '0.0.0.0', 'protected-mode': 'no', save: '', appendonly: 'no' };

export const redis: BrokerSpec = {
  variable: 'ANYMQ_TEST_REDIS_URL',
  containers: [
    {
      image: { official: 'redis:8', folder: 'redis', suite: 'trixie' },
      port: 6379,
      launch: launching('redis-server'),
      // A server that wants a password answers as well; one that still loads its data answers -LOADING.
      answers: (port) => firstAnswer(port, Buffer.from('PING\r\n'), ['+PONG', '-NOAUTH']),
    },
  ],
  versions: {
    '7.0': { image: { official: 'redis:7.0', folder: 'redis', suite: 'bookworm' } },
    'valkey-9': {
      image: { official: 'valkey/valkey:9', folder: 'valkey', suite: 'sid' },
      launch: launching('valkey-server'),
    },
  },
  url: ([port]) => `redis://127.0.0.1:${port}`,
};

function launching(server: string): ContainerSpec['launch'] {
  return (configuration) => ({
    command: [
      server,
      ...Object.entries({ ...defaults, ...configuration }).flatMap(([name, value]) => [`--${name}`, value]),
    ],
  });
}
