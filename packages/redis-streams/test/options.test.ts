import { Redis } from 'ioredis';
import { describe, expect, test } from 'vitest';
import { redisStreams } from '@anymq/redis-streams';
import { parseUrl, readSettings } from '../src/options.ts';

const invalid = expect.objectContaining({ code: 'INVALID_OPTION' }) as unknown;
const errorOf = (work: () => unknown): unknown => {
  try {
    work();
  } catch (error) {
    return error;
  }
  return 'nothing was thrown';
};

describe('a URL', () => {
  test.each([
    ['redis://localhost', { host: 'localhost' }],
    ['redis://localhost:6380/2', { host: 'localhost', port: 6380, db: 2 }],
    ['redis://', { host: '127.0.0.1' }],
    ['redis://[::1]:6379', { host: '::1', port: 6379 }],
    [
      'rediss://u:p%40ss@redis.example:6380',
      { host: 'redis.example', port: 6380, username: 'u', password: 'p@ss', tls: true },
    ],
    ['redis://:secret@h', { host: 'h', password: 'secret' }],
    [
      'redis://h?waitReplicas=1&waitAof=true&commandTimeoutMs=500',
      { host: 'h', waitReplicas: 1, waitAof: true, commandTimeoutMs: 500 },
    ],
  ])('%s is understood', (url, options) => {
    expect(parseUrl(url)).toEqual(options);
  });

  test.each([
    'redis',
    'http://h',
    'redis://h/name',
    'redis://h?unknown=1',
    'redis://h:99999',
    'redis://user:secret%ZZ@h',
    'redis://h#x',
  ])('%s is refused, without its credentials', (url) => {
    const error = errorOf(() => parseUrl(url));
    expect(error).toEqual(invalid);
    expect(String((error as Error).message)).not.toContain('secret');
  });

  test('an option that is no number is refused when the driver is made', () => {
    expect(errorOf(() => readSettings(parseUrl('redis://h?commandTimeoutMs=soon')))).toEqual(invalid);
    expect(errorOf(() => readSettings(parseUrl('redis://h?waitAof=perhaps')))).toEqual(invalid);
  });
});

describe('options', () => {
  test('have defaults', () => {
    const { namespace, commandTimeoutMs, wait } = readSettings({});
    expect({ namespace, commandTimeoutMs, wait }).toEqual({
      namespace: 'anymq',
      commandTimeoutMs: 10_000,
      wait: { replicas: 0, aof: 0, timeoutMs: 5000 },
    });
  });

  test.each([
    [{ misspelt: true }],
    [{ port: 0 }],
    [{ db: -1 }],
    [{ waitReplicas: 101 }],
    [{ commandTimeoutMs: 0 }],
    [{ abandonedGroupMs: 1000 }],
    [{ host: 'a', cluster: [{ host: 'b' }] }],
    [{ cluster: [] }],
    [{ cluster: ['b:6379'] }],
    [{ sentinels: 'a' }],
    [{ client: {} }],
    [{ cluster: [{ host: 'b' }], waitReplicas: 1 }],
  ])('%j are refused', (options) => {
    expect(errorOf(() => readSettings(options as never))).toEqual(invalid);
  });

  test('a client of ioredis is taken, and not connected', () => {
    const client = new Redis({ lazyConnect: true });
    expect(readSettings({ client }).connection.client).toBe(client);
    expect(client.status).toBe('wait');
  });
});

test('the module serves both schemes', () => {
  expect(redisStreams.schemes).toEqual(['redis', 'rediss']);
  expect(redisStreams.name).toBe('redis-streams');
});
