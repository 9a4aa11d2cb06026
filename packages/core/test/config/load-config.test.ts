import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest';
import type { Config } from '../../src/client-types.ts';
import { loadConfig } from '../../src/config/load-config.ts';
import { failure, fakeModule } from './fake-module.ts';

const folder = mkdtempSync(join(tmpdir(), 'anymq-config-'));
afterAll(() => rmSync(folder, { recursive: true }));
afterEach(() => vi.unstubAllEnvs());

const tasks = fakeModule('sqs', ['sqs']);
const events = fakeModule('kafka', ['kafka']);
const drivers = [tasks, events];

function file(name: string, content: string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

describe('a URL', () => {
  test('is the broker default', async () => {
    const config = await loadConfig('sqs://eu-west-1', drivers);
    expect(config).toMatchObject({ namespace: 'anymq', provision: 'create' });
    expect(config.brokers).toEqual([{ name: 'default', module: tasks, options: { host: 'eu-west-1' } }]);
    expect(config.route('orders')).toEqual({ broker: 'default' });
  });

  test('may have a scheme that only the given drivers know, in any case', async () => {
    const nats = fakeModule('nats', ['nats']);
    expect((await loadConfig('NATS://host/file.json', [nats])).brokers[0]?.module).toBe(nats);
  });

  test('of an unknown scheme is refused, with the known ones', async () => {
    const error = await failure(() => loadConfig('nats://user:hunter2@host', drivers));
    expect(error).toMatchObject({ code: 'INVALID_OPTION' });
    expect(error.message).toMatch(/URL scheme 'nats:'.*'memory:'.*'kafka:'/);
    expect(error.message).not.toContain('hunter2');
  });

  test('that the driver fails to read shows none of it', async () => {
    const error = await failure(() => loadConfig('sqs://user:hunter2@[bad', drivers));
    expect(error).toMatchObject({ code: 'INVALID_OPTION', cause: { name: 'TypeError', code: 'ERR_INVALID_URL' } });
    expect(JSON.stringify([error.message, error.cause])).not.toContain('hunter2');
  });

  test.each(['sqs://user:hun?ter2@host', 'sqs://user:pa?hunter2=x&y@host'])(
    'whose password holds a question mark (%s) is refused, and nothing of it shown',
    async (url) => {
      const error = await failure(() => loadConfig(url, drivers));
      expect(error).toMatchObject({ code: 'INVALID_OPTION' });
      expect(error.message).toContain('Percent-encode');
      expect(error.message).not.toMatch(/hun|ter2/);
    },
  );

  test.each(['user:hunter2@host', 'hunter2@host', 'hunter2', '', 'user:hunter2@host/x.json'])(
    'that has no scheme (%s) is not shown',
    async (text) => {
      const error = await failure(() => loadConfig(text, drivers));
      expect(error).toMatchObject({ code: 'INVALID_OPTION' });
      expect(error.message).toContain('Give a URL like');
      expect(error.message).not.toMatch(/hunter2|user/);
    },
  );
});

describe('an object', () => {
  const config: Config = {
    brokers: { tasks: 'sqs://eu-west-1', events: { driver: 'kafka', brokers: ['k1:9092'], password: '${PLAIN}' } },
    routes: { '*': 'tasks', stock: 'events' },
    namespace: 'staging',
    provision: 'validate',
  };

  test('gives each broker its module and options', async () => {
    const { brokers, route, ...rest } = await loadConfig(config, drivers);
    expect(rest).toEqual({ namespace: 'staging', provision: 'validate' });
    expect(brokers.map(({ name, module }) => [name, module.name])).toEqual([
      ['tasks', 'sqs'],
      ['events', 'kafka'],
    ]);
    expect(route('stock')).toEqual({ broker: 'events' });
  });

  test('keeps its strings as they are', async () => {
    const { brokers } = await loadConfig(config, drivers);
    expect(brokers[1]?.options).toEqual({ brokers: ['k1:9092'], password: '${PLAIN}' });
  });

  test('an unknown driver is refused, with the known ones', async () => {
    const error = await failure(() => loadConfig({ brokers: { a: { driver: 'kafak' } } }, drivers));
    expect(error).toMatchObject({ code: 'INVALID_OPTION' });
    expect(error.message).toMatch(/driver 'kafak'.*'redis-streams'/);
  });

  test('a broker whose string is no URL is refused and not shown', async () => {
    const error = await failure(() => loadConfig({ brokers: { a: 'user:hunter2@host' } }, drivers));
    expect(error.message).toBe("The broker 'a' is no URL. Begin it with a scheme, like redis://localhost:6379.");
  });

  test.each([[[undefined]], [[{}]], [[() => tasks]], [tasks]])('drivers that are none are refused', async (bad) => {
    const error = await failure(() => loadConfig('sqs:', bad as never));
    expect(error).toMatchObject({ code: 'INVALID_OPTION' });
    expect(error.message).toContain('drivers must be a list');
  });
});

describe('a file', () => {
  test('is read and filled from the environment', async () => {
    vi.stubEnv('REGION', 'eu-west-1');
    const path = file('anymq.json', '\uFEFF{ "brokers": { "tasks": "sqs://${REGION}" }, "namespace": "prod" }');
    const config = await loadConfig(path, drivers);
    expect(config.namespace).toBe('prod');
    expect(config.brokers).toMatchObject([{ name: 'tasks', options: { host: 'eu-west-1' } }]);
  });

  test('may have another ending when it exists', async () => {
    const path = file('anymq.conf', '{ "brokers": { "tasks": "sqs://x" } }');
    expect((await loadConfig(path, drivers)).brokers).toHaveLength(1);
  });

  test('that does not exist is named', async () => {
    const error = await failure(() => loadConfig(join(folder, 'nope.json'), drivers));
    expect(error).toMatchObject({ code: 'INVALID_OPTION', cause: { code: 'ENOENT' } });
    expect(error.message).toContain(join(folder, 'nope.json'));
  });

  test('a drive letter is no scheme', async () => {
    expect((await failure(() => loadConfig('C:\\anymq.json', drivers))).message).toContain('C:\\anymq.json');
  });

  test('that is no JSON is located and not quoted', async () => {
    const path = file('broken.json', '{ "brokers": {\n "a": "amqp://user:hunter2@host" "b" } }');
    const error = await failure(() => loadConfig(path, drivers));
    expect(error.message).toContain('line 2 column');
    expect(error.message).not.toContain('hunter2');
    expect(error.cause).toBeUndefined();
  });
});
