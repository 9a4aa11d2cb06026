import { answerWithin } from '@anymq/core/driver';
import type { Connection, RedisClient, RedisSocket } from './client.ts';
import { bodyField } from './encoding.ts';
import { RedisStreamsError } from './errors.ts';
import { decodeReply, encodeCommand, ReplyCutter } from './resp.ts';

/** How long a read waits at the server, at the most: shorter where it cannot be cut short. */
export const blockMs = 5000;
const blockInClusterMs = 1000;
/** A read that has not come back for so long after its time hangs. */
export const blockGraceMs = 3000;

export interface ReaderOptions {
  readonly connection: Connection;
  readonly commandTimeoutMs: number;
  readonly onClose: () => void;
}

/**
 * One blocking read at a time. The client connects; then we write to its socket and decode the replies ourselves, as its own
 * decoder takes longer than everything else that is done for a message (docs/adr/0002). In a cluster the client reads.
 */
export class Reader {
  readonly #client: RedisClient;
  readonly #options: ReaderOptions;
  readonly blockMs: number;
  /** Rises with every new connection: what was read over an older one may have been lost on the way. */
  generation = 0;
  #clientId: unknown;
  #socket: RedisSocket | undefined;
  #taken: Promise<void> = Promise.resolve();
  #pending: PromiseWithResolvers<Buffer> | undefined;

  constructor(client: RedisClient, options: ReaderOptions) {
    this.#client = client;
    this.#options = options;
    this.blockMs = client.isCluster === true ? blockInClusterMs : blockMs;
    client.on('ready', () => this.#onReady());
    client.on('close', () => this.#onClosed());
  }

  /** Null after `blockMs` without anything, or when it was cut short. Bodies are bytes, the rest texts where it can be. */
  async read(...command: readonly [name: string, ...args: (string | number)[]]): Promise<unknown> {
    await this.#taken;
    const [name, ...args] = command;
    return this.#socket === undefined
      ? this.#client.callBuffer(name, ...args)
      : this.#readFrom(this.#socket, encodeCommand(command));
  }

  /** The pending read returns with what it has. */
  async interrupt(): Promise<void> {
    await this.#taken;
    if (typeof this.#clientId !== 'number') return;
    try {
      await this.#options.connection.call('client', 'UNBLOCK', this.#clientId);
    } catch {
      // Then it ends by itself, soon enough.
    }
  }

  close(): void {
    this.#options.onClose();
  }

  #onReady(): void {
    this.generation += 1;
    // The nodes of a cluster have connections of their own: there a read ends by itself.
    if (this.#client.isCluster !== true) this.#taken = this.#takeSocket();
  }

  #onClosed(): void {
    this.#socket = undefined;
    this.#clientId = undefined;
    this.#pending?.reject(
      new RedisStreamsError('NOT_CONNECTED', 'The connection was cut off during a read.', 'unknown'),
    );
  }

  /** When the client has had its answer, it has had all of them: what comes next on this socket is for us. */
  async #takeSocket(): Promise<void> {
    const { generation } = this;
    try {
      const id = await answerWithin(this.#options.commandTimeoutMs, 'Redis', this.#client.call('client', 'ID'));
      if (generation === this.generation) this.#clientId = id;
    } catch {
      // A user who may not ask: the client reads, and no read is cut short. A connection that failed is told by its 'error'.
      return;
    }
    const { stream, status } = this.#client;
    if (generation !== this.generation || status !== 'ready' || stream === undefined || stream === null) return;
    const listeners = stream.listeners('data') as ((piece: Buffer) => void)[];
    const cutter = new ReplyCutter((reply) => this.#pending?.resolve(reply));
    stream.on('data', (piece) => cutter.push(piece));
    for (const listener of listeners) stream.off('data', listener);
    this.#socket = stream;
  }

  async #readFrom(socket: RedisSocket, command: string): Promise<unknown> {
    const pending = Promise.withResolvers<Buffer>();
    this.#pending = pending;
    const timer = setTimeout(() => this.#client.disconnect(true), blockMs + blockGraceMs);
    socket.write(command);
    try {
      return decodeReply(await pending.promise, bodyField);
    } catch (error) {
      // A server that has become a replica: where the master is now is found out anew.
      if (error instanceof Error && error.message.startsWith('READONLY')) this.#client.disconnect(true);
      throw error;
    } finally {
      clearTimeout(timer);
      this.#pending = undefined;
    }
  }
}
