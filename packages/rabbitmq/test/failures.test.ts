import { createServer, type AddressInfo, type Server } from 'node:net';
import { AnymqError, bytes, connect, defineQueue, type Client, type Config } from '@anymq/core';
import { rabbitmq } from '@anymq/rabbitmq';
import { sharedBroker, startBroker } from '@anymq/testing/brokers';
import { connect as connectRaw } from 'amqplib';
import { afterAll, describe, expect, test } from 'vitest';

const shared = sharedBroker('rabbitmq');
/** Its memory runs out, and it takes smaller messages than others. */
const own =
  shared?.container === undefined
    ? undefined
    : await startBroker('rabbitmq', { configuration: { max_message_size: '1048576' } });

const jobs = defineQueue<Uint8Array>('jobs', { codec: bytes });
const password = 'p4ssw0rd';

const newNamespace = (): string => `f${crypto.randomUUID().slice(0, 8)}`;

function open(url: string, options: Partial<Config> = {}): Promise<Client> {
  return connect({ brokers: { main: url }, namespace: newNamespace(), ...options }, { drivers: [rabbitmq] });
}

function at(
  url: string,
  changes: Partial<Pick<URL, 'password' | 'hostname' | 'port' | 'pathname' | 'search'>>,
): string {
  return Object.assign(new URL(url), { password, ...changes }).href;
}

/** What it failed with, within that time. */
async function failure(work: Promise<unknown>, withinMs = 5000): Promise<AnymqError> {
  const startedAt = performance.now();
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(performance.now() - startedAt).toBeLessThan(withinMs);
  if (!AnymqError.isInstance(error)) throw new Error('It should have failed.', { cause: error });
  const all = `${String(error)} ${error.stack} ${JSON.stringify(error)} ${JSON.stringify(error.cause)}`;
  expect(all).not.toContain(password);
  return error;
}

async function withServer<T>(server: Server, work: (port: number) => Promise<T>): Promise<T> {
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  try {
    return await work((server.address() as AddressInfo).port);
  } finally {
    server.close();
  }
}

describe.runIf(shared !== undefined)('connecting', () => {
  const url = shared?.url ?? '';

  test('with a wrong password is UNAUTHENTICATED', async () => {
    expect(await failure(open(at(url, {})))).toMatchObject({ code: 'UNAUTHENTICATED', retryable: false });
  });

  test('to a virtual host that is not there is ACCESS_DENIED', async () => {
    const nowhere = at(url, { pathname: '/no-such-host', password: new URL(url).password });
    expect(await failure(open(nowhere))).toMatchObject({ code: 'ACCESS_DENIED' });
  });

  test('to a port where nobody listens, or to a name that is no host, is NOT_CONNECTED', async () => {
    const port = await withServer(createServer(), async (free) => String(free));
    expect(await failure(open(at(url, { port })))).toMatchObject({ code: 'NOT_CONNECTED', retryable: true });
    const hostname = 'no-such-host.invalid';
    expect(await failure(open(at(url, { hostname })))).toMatchObject({ code: 'NOT_CONNECTED' });
  });

  test('to something that never answers, or that speaks another language, is NOT_CONNECTED in time', async () => {
    const sockets = new Set<{ destroy(): void }>();
    const silent = createServer((socket) => void sockets.add(socket));
    await withServer(silent, async (port) => {
      const there = at(url, { port: String(port), search: '?connectTimeoutMs=500' });
      expect(await failure(open(there), 2000)).toMatchObject({ code: 'NOT_CONNECTED', retryable: true });
      for (const socket of sockets) socket.destroy();
    });
    const http = createServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    await withServer(http, async (port) => {
      expect(await failure(open(at(url, { port: String(port) })))).toMatchObject({ code: 'NOT_CONNECTED' });
    });
  });

  test('to a server before 4.0 is SERVER_TOO_OLD, which says what is needed, and its connection is closed', async () => {
    const connection = await connectRaw(url);
    const closed = new Promise((resolve) => connection.on('close', resolve));
    Object.assign(connection.connection.serverProperties, { version: '3.13.7' });
    const main = { driver: 'rabbitmq', connect: async () => connection };
    const error = await failure(connect({ brokers: { main } }, { drivers: [rabbitmq] }));
    expect(error).toMatchObject({ code: 'SERVER_TOO_OLD', retryable: false });
    expect(error.message).toBe('RabbitMQ 4.0 or newer is needed; this is 3.13.7.');
    await closed;
  });
});

describe.runIf(shared !== undefined)('a queue with other arguments', () => {
  test('is TOPOLOGY_MISMATCH, and the argument is named: for who sends, consumes and provisions', async () => {
    const namespace = newNamespace();
    const raw = await connectRaw(shared?.url ?? '');
    const channel = await raw.createChannel();
    const queue = `${namespace}_jobs_queue`;
    await using mq = await open(shared?.url ?? '', { namespace });
    const { queue: name = queue } = mq.physicalNames(jobs);
    await channel.assertQueue(name, { durable: true, arguments: { 'x-queue-type': 'quorum', 'x-max-length': 5 } });
    const { differences } = await mq.provision([jobs]);
    expect(differences).toEqual([expect.stringContaining(`${name} has x-`)]);
    const failures = [
      await failure(mq.producer(jobs).send(new Uint8Array(1))),
      await failure(mq.consumer(jobs, {}, () => undefined).start()),
    ];
    for (const error of failures) {
      expect(error).toMatchObject({ code: 'TOPOLOGY_MISMATCH', retryable: false });
      expect(error.message).toContain(`${name} has x-`);
    }
    await channel.deleteQueue(name);
    await raw.close();
  });
});

describe.runIf(own !== undefined)('a broker with less room', { timeout: 60_000 }, () => {
  const url = own?.url ?? '';
  const limitMemory = async (limit: string): Promise<void> =>
    void (await own?.container.exec(['rabbitmqctl', 'set_vm_memory_high_watermark', limit]));
  afterAll(() => own?.container.stop());

  test('a message over the limit is TOO_LARGE: over ours before it is sent, over the broker’s for certain', async () => {
    await using mq = await open(url);
    const producer = mq.producer(jobs, { timeoutMs: 5000 });
    await producer.send(new Uint8Array(1_000_000));
    expect(await failure(producer.send(new Uint8Array(4_194_305)))).toMatchObject({ code: 'TOO_LARGE' });
    const error = await failure(producer.send(new Uint8Array(2_000_000)));
    expect(error).toMatchObject({ code: 'TOO_LARGE', retryable: false, outcome: 'not-sent' });
    await producer.send(new Uint8Array(1_000_000));
  });

  test('a memory alarm shows in check, and sends wait, or end as TIMEOUT with what is known of them', async () => {
    await using mq = await open(url);
    const [patient, hasty] = [30_000, 1500].map((timeoutMs) => mq.producer(jobs, { timeoutMs }));
    await patient?.send(new Uint8Array(1));
    expect(await mq.check()).toMatchObject({ ok: true });
    await limitMemory('0.00001');
    const first = await failure(hasty?.send(new Uint8Array(1)) ?? Promise.resolve(), 3000);
    expect(first).toMatchObject({ code: 'TIMEOUT', outcome: 'unknown' });
    const second = await failure(hasty?.send(new Uint8Array(1)) ?? Promise.resolve(), 3000);
    expect(second).toMatchObject({ code: 'TIMEOUT', outcome: 'unknown' });
    const health = await mq.check();
    expect(health.ok).toBe(false);
    expect(health.brokers[0]?.error).toMatchObject({ code: 'THROTTLED' });
    const waiting = patient?.send(new Uint8Array(2));
    await limitMemory('0.6');
    await waiting;
    await expect.poll(async () => (await mq.check()).ok, { timeout: 10_000 }).toBe(true);
  });
});
