import { EventEmitter } from 'node:events';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { Connection, RedisClient } from '../src/client.ts';
import { blockGraceMs, blockMs, Reader } from '../src/reader.ts';

class Socket extends EventEmitter {
  readonly written: string[] = [];
  readonly #first = Promise.withResolvers<void>();
  readonly firstWrite = this.#first.promise;
  write(text: string): void {
    this.written.push(text);
    this.#first.resolve();
  }
}

/** A client that is ready, and a reader on it. */
function open({ clientId = async (): Promise<unknown> => 7, isCluster = false } = {}) {
  const socket = new Socket();
  const theirs = vi.fn<(piece: Buffer) => void>();
  socket.on('data', theirs);
  const client = Object.assign(new EventEmitter(), {
    status: 'ready',
    isCluster,
    stream: socket,
    connect: async () => undefined,
    call: clientId,
    callBuffer: vi.fn<RedisClient['callBuffer']>(async () => 'read by the client'),
    disconnect: vi.fn<RedisClient['disconnect']>(),
  });
  const call = vi.fn<Connection['call']>(async () => 1);
  const reader = new Reader(client, {
    connection: { call } as unknown as Connection,
    commandTimeoutMs: 1000,
    onClose: () => undefined,
  });
  client.emit('ready');
  return { reader, client, socket, theirs, call };
}

describe('a reader', () => {
  afterEach(() => void vi.useRealTimers());

  test('writes to the socket of its client, and reads from it in place of the client', async () => {
    const { reader, client, socket, theirs } = open();
    const read = reader.read('xread', 'block', 1);
    await socket.firstWrite;
    socket.emit('data', Buffer.from('*1\r\n$2\r\n'));
    socket.emit('data', Buffer.from('ab\r\n'));
    expect(await read).toEqual(['ab']);
    expect(socket.written).toEqual(['*3\r\n$5\r\nxread\r\n$5\r\nblock\r\n$1\r\n1\r\n']);
    expect(theirs).not.toHaveBeenCalled();
    expect(client.callBuffer).not.toHaveBeenCalled();
  });

  test('leaves reading to its client in a cluster, and where it may not ask for its id; then no read is cut short', async () => {
    const denied = async (): Promise<never> => Promise.reject(new Error('NOPERM'));
    for (const { reader, socket, call } of [open({ isCluster: true }), open({ clientId: denied })]) {
      expect(await reader.read('xread', 'block', 1)).toBe('read by the client');
      await reader.interrupt();
      expect(call).not.toHaveBeenCalled();
      expect(socket.written).toEqual([]);
    }
  });

  test('cuts a read short by the id that the server knows it by', async () => {
    const { reader, call } = open();
    await reader.interrupt();
    expect(call).toHaveBeenCalledWith('client', 'UNBLOCK', 7);
  });

  test('ends a connection over which a read hangs, and the read with it', async () => {
    vi.useFakeTimers();
    const { reader, client, socket } = open();
    client.disconnect.mockImplementation(() => void client.emit('close'));
    const failure = reader.read('xread').catch((error: unknown) => error);
    await socket.firstWrite;
    vi.advanceTimersByTime(blockMs + blockGraceMs - 1);
    expect(client.disconnect).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(client.disconnect).toHaveBeenCalledExactlyOnceWith(true);
    expect(await failure).toMatchObject({ code: 'NOT_CONNECTED', outcome: 'unknown' });
  });

  test('looks for the master again when its server has become a replica', async () => {
    const { reader, client, socket } = open();
    const failure = reader.read('xreadgroup').catch((error: unknown) => String(error));
    await socket.firstWrite;
    socket.emit('data', Buffer.from("-READONLY You can't write against a read only replica.\r\n"));
    expect(await failure).toContain('READONLY');
    expect(client.disconnect).toHaveBeenCalledExactlyOnceWith(true);
  });
});
