import { createRabbitmqDriver, rabbitmq, type RabbitmqDriverOptions } from '@anymq/rabbitmq';
import { describe, expect, test } from 'vitest';

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

  test.each(['amqp://', 'http://host', 'amqp://us:secret@ho st', 'amqp://u:%zz-secret@host', 'amqp://u:secret@h?no=1'])(
    'is refused as %s, without its password in the error',
    (url) => {
      expect(() => rabbitmq.parseUrl(url)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }) as Error);
      expect(() => rabbitmq.parseUrl(url)).not.toThrow(/secret/);
    },
  );
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
    { connect: 'amqp://host' },
    { tls: 'yes' },
  ];

  test.each(refused)('%j is refused before anything is opened', async (options) => {
    await expect(createRabbitmqDriver(options as RabbitmqDriverOptions)).rejects.toMatchObject({
      code: 'INVALID_OPTION',
    });
  });

  test('a broker that is not there is a typed error', async () => {
    const error: unknown = await createRabbitmqDriver({ hostname: '127.0.0.1', port: 1 }).catch(
      (error: unknown) => error,
    );
    const { classifyError } = await import('../src/errors.ts');
    expect(classifyError(error)).toEqual({ code: 'NOT_CONNECTED', retryable: true, outcome: 'not-sent' });
  });
});
