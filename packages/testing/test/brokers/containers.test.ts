import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import type { TestContext } from 'vitest';
import { brokerTable } from '../../src/brokers/broker-table.ts';
import type { BrokerName } from '../../src/brokers/broker-table.ts';
import { brokerSetup } from '../../src/brokers/broker-setup.ts';
import { BrokerUnavailableError, resolveImage } from '../../src/brokers/image.ts';
import { createGuard } from '../../src/brokers/guard.ts';
import { docker } from '../../src/brokers/run-command.ts';
import { sharedBroker } from '../../src/brokers/shared-brokers.ts';
import { startBehindProxy } from '../../src/proxy/index.ts';
import { startBroker, startContainers } from '../../src/brokers/start-broker.ts';
import { startCluster } from '../../src/brokers/start-cluster.ts';
import type { StartedBroker } from '../../src/brokers/index.ts';
import { createVirtualHost } from '../../src/brokers/virtual-host.ts';

// Where images are built first, that takes minutes.
vi.setConfig({ testTimeout: 600_000 });

test('Redis answers on 127.0.0.1 alone, keeps its port and what it wrote through a kill, freezes and goes', async (context) => {
  await requireImage(context, 'redis');
  const broker = await startBroker('redis', { configuration: { appendonly: 'yes', appendfsync: 'always' } });
  const { container } = broker;
  expect(await published(broker)).toBe(`127.0.0.1:${portOf(broker)}`);
  await answers(broker);
  await container.exec(['redis-cli', 'set', 'key', 'value']);
  await container.kill();
  await expect(answers(broker)).rejects.toThrow(/cannot be reached|closes/);
  await container.restart();
  expect(await container.exec(['redis-cli', 'get', 'key'])).toBe('value\n');
  await container.pause();
  await expect(answers(broker)).rejects.toThrow(/does not answer/);
  await container.unpause();
  await answers(broker);
  await container.stop();
  expect(await containersOn(broker)).toBe('');
  await container.stop();
});

test('RabbitMQ takes a configuration, gives a test a virtual host of its own, keeps its port in a restart and goes', async (context) => {
  await requireImage(context, 'rabbitmq');
  const broker = await startBroker('rabbitmq', { configuration: { max_message_size: '1234' } });
  await answers(broker);
  const url = new URL(await createVirtualHost(broker, 'a/b'));
  expect(url.pathname).toBe('/a%2Fb');
  expect(await broker.container.exec(['rabbitmqctl', 'environment'])).toContain('{max_message_size,1234}');
  await broker.container.restart();
  expect(await published(broker)).toBe(`127.0.0.1:${portOf(broker)}`);
  await answers(broker);
  expect(await broker.container.exec(['rabbitmqctl', '-q', 'list_permissions', '-p', 'a/b'])).toMatch(/^guest\t/m);
  await broker.container.stop();
  expect(await containersOn(broker)).toBe('');
});

test.for(['kafka', 'sqs', 'postgres'] as const)('%s answers, and does so again after a kill', async (name, context) => {
  await requireImage(context, name);
  const broker = await startBroker(name);
  await answers(broker);
  await broker.container.kill();
  await expect(answers(broker)).rejects.toThrow(/cannot be reached|closes/);
  await broker.container.restart();
  await answers(broker);
  await broker.container.stop();
});

test.for(['kafka', 'rabbitmq'] as const)(
  'three servers of %s answer, one is killed and comes back',
  async (name, context) => {
    await requireImage(context, name);
    const { url, ports, servers, container } = await startCluster(name);
    const answering = async (): Promise<readonly boolean[]> => {
      const answers = await Promise.allSettled(ports.map((port) => brokerTable[name].containers[0].answers(port)));
      return answers.map(({ status }) => status === 'fulfilled');
    };
    expect(await answering()).toEqual([true, true, true]);
    await servers[1]?.kill();
    expect(await answering()).toEqual([true, false, true]);
    await servers[1]?.start();
    expect(await answering()).toEqual([true, true, true]);
    await container.stop();
    expect(await containersOn({ url })).toBe('');
  },
);

test('a broker behind a proxy is reached through it, and past it', async (context) => {
  await requireImage(context, 'redis');
  const behind = await startBehindProxy('redis');
  await brokerTable.redis.containers[0].answers(portOf(behind));
  expect(behind.proxies[0]?.counts.connections).toBe(1);
  behind.proxies[0]?.refuse();
  await expect(brokerTable.redis.containers[0].answers(portOf(behind))).rejects.toThrow(/cannot be reached/);
  await answers(behind.broker);
  await behind.stop();
  expect(await containersOn(behind.broker)).toBe('');
});

test('what is interrupted while it starts is removed, and nothing is started after it', async (context) => {
  await requireImage(context, 'redis');
  const guard = createGuard();
  const mark = guard.mark.join('=');
  const marked = async () => (await docker(['ps', '--all', '--quiet', '--filter', `label=${mark}`])).stdout;
  const starting = Promise.allSettled([startContainers('redis', {}, guard, 'run')]);
  await vi.waitUntil(async () => (await marked()) !== '', { timeout: 60_000 });
  await guard.remove();
  await starting;
  expect(await marked()).toBe('');
  await expect(startContainers('redis', {}, guard, 'run')).rejects.toThrow(/Interrupted/);
  expect(await marked()).toBe('');
});

test('a server that ends at once is told by its own last words', async (context) => {
  await requireImage(context, 'redis');
  await expect(startBroker('redis', { configuration: { 'no-such-setting': '1' } })).rejects.toThrow(/no-such-setting/);
});

test('a set-up shares one broker with the whole run and removes it at the end', async (context) => {
  await requireImage(context, 'redis');
  vi.stubEnv('ANYMQ_RUN_BROKERS', undefined);
  vi.stubEnv('ANYMQ_TEST_REDIS_URL', undefined);
  const teardown = await brokerSetup('redis')();
  const broker = sharedBroker('redis') as StartedBroker;
  expect(await brokerSetup('redis')()).toBeUndefined();
  await answers(broker);
  await teardown?.();
  expect(await containersOn(broker)).toBe('');
  vi.unstubAllEnvs();
});

test('a broker is removed when the process that started it is killed', async (context) => {
  await requireImage(context, 'redis');
  const source = join(import.meta.dirname, '..', '..', 'src', 'brokers', 'index.ts');
  const program = `
    const { startBroker } = await import(${JSON.stringify(source)});
    console.log((await startBroker('redis')).url);
    setInterval(() => {}, 1000);
  `;
  const child = spawn(process.execPath, ['--conditions=source', '--input-type=module', '--eval', program]);
  const [printed] = (await once(child.stdout, 'data')) as [Buffer];
  const url = String(printed).trim();
  expect(await containersOn({ url })).not.toBe('');
  child.kill('SIGKILL');
  const gone = async () => expect(await containersOn({ url })).toBe('');
  await vi.waitFor(gone, { timeout: 20_000, interval: 200 });
});

/** Leaves the test out, loudly, where a person has neither Docker nor the image. */
async function requireImage(context: TestContext, name: BrokerName): Promise<void> {
  try {
    for (const { image } of brokerTable[name].containers) await resolveImage(image);
  } catch (error) {
    if (!(error instanceof BrokerUnavailableError) || process.env['CI'] === 'true') throw error;
    console.warn(`LEFT OUT on ${name}: ${error.message}`);
    context.skip(error.message);
  }
}

function answers({ name, url }: StartedBroker): Promise<void> {
  return brokerTable[name].containers[0].answers(portOf({ url }));
}

async function published(broker: StartedBroker): Promise<string> {
  const { stdout } = await docker(['port', await containersOn(broker)]);
  return stdout.trim().split(' -> ')[1] ?? '';
}

async function containersOn(broker: { readonly url: string }): Promise<string> {
  const filter = `label=anymq.port=${portOf(broker)}`;
  return (await docker(['ps', '--all', '--quiet', '--filter', filter])).stdout.trim();
}

function portOf({ url }: { readonly url: string }): number {
  return Number(/127\.0\.0\.1:(\d+)/.exec(url)?.[1]);
}
