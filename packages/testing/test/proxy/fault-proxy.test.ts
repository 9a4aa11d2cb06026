import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { startFaultProxy } from '../../src/proxy/index.ts';
import type { FaultProxy } from '../../src/proxy/index.ts';

/** A server that answers each piece with the same in capitals, and keeps what it got. */
let server: Server;
let received: string;
let proxy: FaultProxy;
const sockets = new Set<Socket>();

beforeEach(async () => {
  received = '';
  server = createServer((socket) => {
    sockets.add(socket.on('error', () => {}));
    socket.on('data', (chunk) => {
      received += String(chunk);
      socket.write(String(chunk).toUpperCase());
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  proxy = await startFaultProxy((server.address() as AddressInfo).port);
});

afterEach(async () => {
  await proxy.close();
  for (const socket of sockets) socket.destroy();
  sockets.clear();
  server.close();
});

test('what is said arrives, both ways, is counted, and an end is passed on', async () => {
  const client = await open();
  expect(await client.ask('hello')).toBe('HELLO');
  expect(proxy.counts).toEqual({ connections: 1, open: 1, toServer: 5, toClient: 5 });
  client.socket.end();
  expect(await client.ended).toBe('end');
  await expect.poll(() => proxy.counts.open).toBe(0);
});

test('a large amount passes in order, no faster than it is taken', async () => {
  const client = await open();
  const pieces = Array.from({ length: 200 }, (_, piece) => `${piece}`.padStart(8, '.').repeat(4096));
  for (const piece of pieces) client.socket.write(piece);
  await client.until((text) => text.length === pieces.join('').length);
  expect(received === pieces.join('')).toBe(true);
});

test('the URL leads through the proxy, in every place', () => {
  const { port } = server.address() as AddressInfo;
  const url = `sqs://eu-west-1?endpoint=http://127.0.0.1:${port}&snsEndpoint=http://127.0.0.1:1`;
  expect(proxy.through(url)).toBe(
    `sqs://eu-west-1?endpoint=http://127.0.0.1:${proxy.port}&snsEndpoint=http://127.0.0.1:1`,
  );
});

test('connections are refused and accepted again on the same port, and those that are open go on', async () => {
  const old = await open();
  proxy.refuse();
  await expect(open()).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  expect(await old.ask('a')).toBe('A');
  await proxy.accept();
  const client = await open();
  expect(await client.ask('b')).toBe('B');
});

test('closes at once, also while it passes on an end', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  onTestFinished(() => void vi.useRealTimers());
  const client = await open();
  const taken = Promise.withResolvers<void>();
  proxy.slow({ delayMs: 50, jitterMs: 1, random: () => (taken.resolve(), 0) });
  client.socket.end('late');
  await taken.promise;
  proxy.slow(undefined);
  // The end has come to the proxy before what is said now.
  expect(await (await open()).ask('hello')).toBe('HELLO');
  vi.advanceTimersByTime(50);
  await proxy.close();
  expect(proxy.counts.open).toBe(0);
});

test('a server that is not there resets what was accepted', async () => {
  proxy.lead(1);
  const client = await open();
  expect(await client.ended).toBe('ECONNRESET');
});

describe.each(['reset', 'end'] as const)('a cut by %s', (manner) => {
  const ending = manner === 'reset' ? 'ECONNRESET' : 'end';

  test('ends every connection at once', async () => {
    const clients = [await open(), await open()];
    await Promise.all(clients.map((client) => client.ask('x')));
    proxy.cut(manner);
    expect(await Promise.all(clients.map((client) => client.ended))).toEqual([ending, ending]);
  });

  test('comes in the middle of what is sent, after exactly so many bytes', async () => {
    const cut = proxy.cutAfter({ bytes: 7, direction: 'toServer', manner });
    const client = await open();
    expect(await client.ask('abcd')).toBe('ABCD');
    client.socket.write('efgh');
    expect(await cut).toBe(true);
    expect(await client.ended).toBe(ending);
    expect(proxy.counts.toServer).toBe(7);
    // What a connection that was reset still brings is up to the machine.
    const least = manner === 'end' ? 'abcdefg' : 'abcd';
    await expect.poll(() => received.startsWith(least) && 'abcdefg'.startsWith(received)).toBe(true);
  });

  test('comes in the middle of what is answered', async () => {
    const cut = proxy.cutAfter({ bytes: 2, direction: 'toClient', manner });
    const client = await open();
    client.socket.write('abcd');
    expect(await cut).toBe(true);
    expect(await client.ended).toBe(ending);
    expect(received).toBe('abcd');
    expect(proxy.counts.toClient).toBe(2);
  });

  test('comes between acceptance and answer of the request that is meant, and of no other', async () => {
    const cut = proxy.cutBeforeAnswer({ request: 'order-7', manner });
    const [client, other] = [await open(), await open()];
    expect(await client.ask('order-6')).toBe('ORDER-6');
    client.socket.write('ord');
    await client.until((text) => text === 'ORDER-6ORD');
    client.socket.write('er-7');
    expect(await cut).toBe(true);
    expect(await client.ended).toBe(ending);
    expect(received).toBe('order-6order-7');
    expect(client.heard()).toBe('ORDER-6ORD');
    expect(await other.ask('order-7')).toBe('ORDER-7');
  });
});

test('each cut is made once', async () => {
  const first = proxy.cutBeforeAnswer();
  const client = await open();
  client.socket.write('a');
  expect(await first).toBe(true);
  const next = await open();
  expect(await next.ask('b')).toBe('B');
});

test('latency and jitter delay both ways and keep the order', async () => {
  const client = await open();
  const jitter = [0, 1, 0.5, 0];
  proxy.slow({ delayMs: 20, jitterMs: 60, random: () => jitter.shift() ?? 0 });
  const started = performance.now();
  expect(await client.ask('a')).toBe('A');
  // 20 there, 80 back.
  expect(performance.now() - started).toBeGreaterThan(98);
  client.socket.write('b');
  await expect.poll(() => received).toBe('ab');
  client.socket.write('c');
  await client.until((text) => text === 'ABC');
  proxy.slow(undefined);
  expect(await client.ask('d')).toBe('D');
});

test('bytes stop both ways while connections stay open and are accepted, and go on afterwards', async () => {
  const old = await open();
  expect(await old.ask('a')).toBe('A');
  proxy.stall();
  old.socket.write('b');
  const client = await open();
  client.socket.write('c');
  const quiet = new Promise((resolve) => setTimeout(() => resolve('quiet'), 100));
  expect(await Promise.race([quiet, old.until((text) => text === 'AB'), client.ended])).toBe('quiet');
  expect(received).toBe('a');
  proxy.resume();
  await old.until((text) => text === 'AB');
  await client.until((text) => text === 'C');
});

test('closing resets what is open, tells what never came about, and leaves nothing behind', async () => {
  const { port } = server.address() as AddressInfo;
  const before = process.getActiveResourcesInfo().length;
  const own = await startFaultProxy(port);
  const never = [own.cutAfter({ bytes: 1e6, direction: 'toClient' }), own.cutBeforeAnswer({ request: 'never' })];
  own.slow({ delayMs: 60_000 });
  const client = await open(own.port);
  client.socket.write('a');
  await expect.poll(() => own.counts.open).toBe(1);
  await own.close();
  await own.close();
  expect(await Promise.all(never)).toEqual([false, false]);
  expect(await client.ended).toBe('ECONNRESET');
  await expect(open(own.port)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  for (const socket of sockets) socket.destroy();
  await expect.poll(() => process.getActiveResourcesInfo().length).toBeLessThanOrEqual(before);
});

/** A client that keeps what it hears and tells how its connection ended. */
async function open(port = proxy.port) {
  const socket = connect({ host: '127.0.0.1', port });
  let heard = '';
  const changed = new Set<() => void>();
  socket.on('data', (chunk) => {
    heard += String(chunk);
    for (const look of changed) look();
  });
  const ended = new Promise<string | undefined>((resolve) => {
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code));
    socket.on('end', () => resolve('end'));
  });
  const failed = once(socket, 'error').then(([error]) => Promise.reject(error as Error));
  await Promise.race([once(socket, 'connect'), failed]);
  failed.catch(() => 'told by `ended`');
  const until = (is: (text: string) => boolean) =>
    new Promise<void>((resolve) => {
      const look = () => {
        if (!is(heard)) return;
        changed.delete(look);
        resolve();
      };
      changed.add(look);
      look();
    });
  const ask = async (text: string) => {
    const from = heard.length;
    socket.write(text);
    await until((all) => all.length >= from + text.length);
    return heard.slice(from);
  };
  return { socket, ended, until, ask, heard: () => heard };
}
