import { createRabbitmqDriver, rabbitmq, type RabbitmqDriverOptions } from '@anymq/rabbitmq';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { describe, expect, test } from 'vitest';
import { connector } from '../src/client.ts';
import type { Endpoint } from '../src/options.ts';

const endpoint = {
  protocol: 'amqp',
  username: 'guest',
  password: 'guest',
  vhost: '/',
  heartbeat: 20,
  connectTimeoutMs: 5000,
  tls: {},
} as const;

/** A server that closes each connection. */
async function startRefusing(onConnection: () => void) {
  const server = createServer((socket) => {
    onConnection();
    socket.destroy();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { port, close: () => server.close() };
}

describe('the URL', () => {
  test('gives host, port, credentials, virtual host and settings, each decoded', () => {
    expect(rabbitmq.parseUrl('amqp://us%3Aer:p%40ss@host:5673/a%2Fb?heartbeatSeconds=5&delayUnitMs=50')).toEqual({
      hostname: 'host',
      port: 5673,
      username: 'us:er',
      password: 'p@ss',
      vhost: 'a/b',
      heartbeatSeconds: 5,
      delayUnitMs: 50,
    });
  });

  test('may be nothing but a host', () => {
    expect(rabbitmq.parseUrl('amqp://host')).toEqual({ hostname: 'host' });
    expect(rabbitmq.parseUrl('amqps://[::1]/')).toEqual({ hostname: '::1', tls: true });
  });

  test('may name several nodes', () => {
    expect(rabbitmq.parseUrl('amqp://us,er:p,w@a:5673,[::1]:5674,c/v')).toEqual({
      hosts: ['a:5673', '[::1]:5674', 'c'],
      username: 'us,er',
      password: 'p,w',
      vhost: 'v',
    });
  });

  test.each([
    'amqp://',
    'amqp://u:secret@a,',
    'amqp://u:secret@a,b:c',
    'amqp://u:secret@a,:5672',
    'http://host',
    'amqp://us:secret@ho st',
    'amqp://u:%zz-secret@host',
    'amqp://u:secret@h?no=1',
  ])('is refused as %s, without its password in the error', (url) => {
    expect(() => rabbitmq.parseUrl(url)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }) as Error);
    expect(() => rabbitmq.parseUrl(url)).not.toThrow(/secret/);
  });
});

describe('the options', () => {
  const refused: readonly object[] = [
    { misspelt: 1 },
    { port: 0 },
    { heartbeatSeconds: 0.5 },
    { delayUnitMs: 5 },
    { delayUnitMs: 100, maxDelayMs: 50 },
    { maxDelayMs: 604_800_001 },
    { hostname: '' },
    { hosts: [] },
    { hosts: 'a:5672' },
    { hosts: [null] },
    { hosts: ['a:99999'] },
    { hosts: ['u:p@a'] },
    { hosts: ['a'], port: 5672 },
    { connect: 'amqp://host' },
    { tls: 'yes' },
  ];

  test.each(refused)('%j is refused before anything is opened', async (options) => {
    await expect(createRabbitmqDriver(options as RabbitmqDriverOptions)).rejects.toMatchObject({
      code: 'INVALID_OPTION',
    });
  });

  test('of several nodes the next is asked when one does not let us in, and the last one says why', async () => {
    const asked: number[] = [];
    const refusing = await Promise.all([0, 1, 2].map((node) => startRefusing(() => asked.push(node))));
    const [first, ...others] = refusing.map(({ port }) => ({ hostname: '127.0.0.1', port }));
    const nodes: Endpoint['nodes'] = [first ?? { hostname: '', port: 0 }, ...others];
    const open = connector({ ...endpoint, nodes }, () => 0.5);
    await expect(open()).rejects.toThrow(/closed|RESET/i);
    expect(asked).toEqual([1, 2, 0]);
    for (const { close } of refusing) close();
  });

  test('a broker that is not there is a typed error', async () => {
    const error: unknown = await createRabbitmqDriver({ hostname: '127.0.0.1', port: 1 }).catch(
      (error: unknown) => error,
    );
    const { classifyError } = await import('../src/errors.ts');
    expect(classifyError(error)).toEqual({ code: 'NOT_CONNECTED', retryable: true, outcome: 'not-sent' });
  });
});
