import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { afterEach, describe, expect, test, vi } from 'vitest';
import {
  brokerNames,
  brokerTable,
  containersOf,
  isBrokerName,
  serverNames,
  urlInEnvironment,
} from '../../src/brokers/broker-table.ts';
import type { BrokerName } from '../../src/brokers/broker-table.ts';
import { mirrorOf } from '../../src/brokers/debian-mirror.ts';
import { firstAnswer } from '../../src/brokers/first-answer.ts';
import { freePort } from '../../src/brokers/free-port.ts';
import { runCommand } from '../../src/brokers/run-command.ts';
import { readContainers } from '../../src/brokers/up.ts';

afterEach(() => vi.unstubAllEnvs());

describe('the table of brokers', () => {
  test('makes the URLs that connect takes', () => {
    expect(brokerTable.redis.url([20_001])).toBe('redis://127.0.0.1:20001');
    expect(brokerTable.rabbitmq.url([20_002])).toBe('amqp://guest:guest@127.0.0.1:20002');
    expect(brokerTable.kafka.url([20_003])).toBe('kafka://127.0.0.1:20003');
    expect(brokerTable.sqs.url([20_004, 20_005])).toBe(
      'sqs://eu-west-1?endpoint=http://127.0.0.1:20004&snsEndpoint=http://127.0.0.1:20005',
    );
  });

  test('knows its names and nothing else', () => {
    expect(brokerNames).toEqual(['redis', 'rabbitmq', 'kafka', 'sqs']);
    expect(serverNames).toEqual([...brokerNames, 'postgres']);
    expect(isBrokerName('redis')).toBe(true);
    expect(isBrokerName('toString')).toBe(false);
  });

  test('takes a URL from the environment, and an empty one for none', () => {
    vi.stubEnv('ANYMQ_TEST_REDIS_URL', 'redis://elsewhere');
    expect(urlInEnvironment('redis')).toBe('redis://elsewhere');
    vi.stubEnv('ANYMQ_TEST_REDIS_URL', '');
    expect(urlInEnvironment('redis')).toBeUndefined();
  });

  test('has other versions of a server, by name or by what the environment says', () => {
    expect(officials('redis')).toEqual(['redis:8']);
    expect(officials('redis', '7.0')).toEqual(['redis:7.0']);
    vi.stubEnv('ANYMQ_TEST_VERSIONS', 'redis=valkey-9,rabbitmq=4.3');
    expect(officials('redis')).toEqual(['valkey/valkey:9']);
    expect(containersOf('redis')[0].launch({}, 1).command?.[0]).toBe('valkey-server');
    expect(officials('rabbitmq')).toEqual(['rabbitmq:4.3']);
    expect(officials('sqs')).toHaveLength(2);
    expect(() => containersOf('redis', '6')).toThrow('redis has no version 6; it has 7.0, valkey-9.');
  });
});

function officials(name: BrokerName, version?: string): readonly string[] {
  return containersOf(name, version).map(({ image }) => image.official);
}

test('each server is configured where it reads its configuration', () => {
  const [redis] = brokerTable.redis.containers;
  expect(redis.launch({ appendonly: 'yes' }, 1).command?.join(' ')).toContain('--appendonly yes');
  const [rabbitmq] = brokerTable.rabbitmq.containers;
  expect(rabbitmq.launch({}, 1)).toEqual({});
  expect(Object.values(rabbitmq.launch({ a: '1', b: '2' }, 1).files ?? {})).toEqual(['a = 1\nb = 2\n']);
  const [kafka] = brokerTable.kafka.containers;
  const properties = Object.values(kafka.launch({ 'num.partitions': '7' }, 20_003).files ?? {}).join('');
  expect(properties).toContain('advertised.listeners=PLAINTEXT://127.0.0.1:20003,');
  expect(properties.match(/^num\.partitions=.*$/gm)).toEqual(['num.partitions=7']);
  const settings = { 'queues-storage.enabled': 'true', FAUXQS_DEFAULT_REGION: 'x' };
  const [queues, topics] = brokerTable.sqs.containers.map((spec) => spec.launch(settings, 20_004));
  expect(Object.values(queues?.files ?? {}).join('')).toMatch(/port = 20004[^]*queues-storage\.enabled = true\n$/);
  expect(topics?.environment).toEqual({ FAUXQS_LOGGER: 'false', FAUXQS_DEFAULT_REGION: 'x' });
  const [postgres] = brokerTable.postgres.containers;
  expect(postgres.launch({ max_connections: '5' }, 1).command?.join(' ')).toContain('-c max_connections=5');
});

test('the containers of a broker are put in the order of their parts', () => {
  expect(readContainers('b 1 20001\na 0 20000\n')).toEqual([
    { id: 'a', port: 20_000 },
    { id: 'b', port: 20_001 },
  ]);
  expect(readContainers('')).toEqual([]);
});

describe("the mirror of the machine's apt", () => {
  test.each([
    ['http://a/debian/ Debian bookworm-updates\n', 'http://a/debian/'],
    ['http://s/debian-security/ Debian bookworm-security\nhttp://a/x/ Debian bookworm\n', 'http://a/x/'],
    ['http://a/debian/  \n', 'http://a/debian/'],
    ['http://u/ubuntu/ Ubuntu noble\n', undefined],
    ['', undefined],
  ])('of %j is %s', (targets, mirror) => {
    expect(mirrorOf(targets)).toBe(mirror);
  });
});

test('a free port is not one that an outgoing connection may be given', async () => {
  const port = await freePort();
  expect(port).toBeGreaterThanOrEqual(20_000);
  expect(port).toBeLessThan(32_000);
});

describe('a first answer', () => {
  test('is had when it begins as expected', async () => {
    await expect(answerOf((socket) => socket.end('+PONG\r\n'))).resolves.toBeUndefined();
  });

  test.each([
    ['is another', 'HTTP/1.1', /gives another answer/],
    ['never comes', '', /closes the connection/],
    ['breaks off', '+PO', /closes the connection/],
  ])('is not had when it %s', async (_name, answer, problem) => {
    await expect(answerOf((socket) => socket.end(answer))).rejects.toThrow(problem);
  });

  test('is not had where nobody listens', async () => {
    await expect(firstAnswer(await freePort(), Buffer.from('PING'), ['+'])).rejects.toThrow(/cannot be reached/);
  });
});

async function answerOf(serve: (socket: Socket) => void): Promise<void> {
  const server = createServer(serve);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    await firstAnswer((server.address() as AddressInfo).port, Buffer.from('PING\r\n'), ['+PONG']);
  } finally {
    server.close();
  }
}

describe('a command', () => {
  test('that is not there ends with 127', async () => {
    expect(await runCommand('no-such-program', [])).toMatchObject({ code: 127 });
  });

  test('that says nothing is ended in time', async () => {
    const wait = ['--eval', 'setTimeout(() => {}, 60_000)'];
    expect(await runCommand(process.execPath, wait, { firstOutputWithinMs: 300 })).toMatchObject({ code: -1 });
  });
});
