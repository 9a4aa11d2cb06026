import type { BrokerSpec, Configuration, ContainerSpec, Credentials } from './broker-spec.ts';
import { firstAnswer } from './first-answer.ts';
import { loginOf } from './login.ts';

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
  url: ([port], credentials) => `redis://${loginOf(credentials)}127.0.0.1:${port}`,
};

function launching(server: string): ContainerSpec['launch'] {
  return (configuration, _port, credentials) => ({
    command: [
      server,
      ...Object.entries({ ...defaults, ...userOf(credentials), ...configuration }).flatMap(([name, value]) => [
        `--${name}`,
        value,
      ]),
    ],
    // By which redis-cli, in the container, is let in as well.
    ...(credentials === undefined ? {} : { environment: { REDISCLI_AUTH: credentials.password } }),
  });
}

/** The user 'default' has the password, so that the username must be that. */
function userOf(credentials: Credentials | undefined): Configuration {
  return credentials === undefined ? {} : { requirepass: credentials.password };
}
