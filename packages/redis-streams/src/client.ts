import { setTimeout as delay } from 'node:timers/promises';
import type { Argument } from './encoding.ts';
import { isMissingScript, RedisStreamsError } from './errors.ts';
import type { Script } from './scripts/script.ts';

/** What we call of an ioredis client, of one server or of a cluster. */
export interface RedisClient {
  readonly status: string;
  readonly isCluster?: boolean;
  connect(): Promise<unknown>;
  call(command: string, ...args: Argument[]): Promise<unknown>;
  callBuffer(command: string, ...args: Argument[]): Promise<unknown>;
  disconnect(): void;
  on(event: 'error' | 'ready' | 'close', listener: (error?: Error) => void): unknown;
}

/** What is passed in: we make connections of our own, with its settings. The client itself is never used, and never closed. */
export interface RedisClientTemplate {
  readonly isCluster?: boolean;
  duplicate(...override: never[]): RedisClient;
}

export interface ConnectionOptions {
  readonly connectTimeoutMs: number;
  readonly commandTimeoutMs: number;
  readonly onError: (error: Error) => void;
}

/** How long a read waits at the server, at the most: shorter where it cannot be cut short. */
const blockMs = 5000;
const blockInClusterMs = 1000;
/** A read that has not come back for so long after its time hangs. */
const blockGraceMs = 3000;
/** How soon after an interruption that came too early there is another. */
const repeatMs = 20;

/** A send's outcome is never hidden: nothing is queued while there is no connection, and nothing is sent twice. */
function settings({ connectTimeoutMs, commandTimeoutMs }: ConnectionOptions, isReader: boolean): object {
  return {
    lazyConnect: true,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: true,
    maxRetriesPerRequest: 0,
    enableAutoPipelining: false,
    keyPrefix: '',
    protocol: 2,
    connectTimeout: connectTimeoutMs,
    disconnectTimeout: 500,
    retryStrategy: (times: number) => Math.min(50 * 2 ** Math.min(times - 1, 5), 1000),
    reconnectOnError: (error: Error) => (error.message.startsWith('READONLY') ? 1 : false),
    ...(isReader
      ? { commandTimeout: undefined, blockingTimeout: blockMs + blockGraceMs, blockingTimeoutGrace: blockGraceMs }
      : { commandTimeout: commandTimeoutMs }),
  };
}

function duplicate(template: RedisClientTemplate, options: ConnectionOptions, isReader: boolean): RedisClient {
  const own = settings(options, isReader);
  const make = template.duplicate.bind(template) as (...args: unknown[]) => RedisClient;
  const client =
    template.isCluster === true
      ? make([], {
          lazyConnect: true,
          enableOfflineQueue: false,
          redisOptions: own,
          retryDelayOnFailover: 0,
          clusterRetryStrategy: (times: number) => Math.min(100 * times, 1000),
        })
      : make(own);
  client.on('error', (error) => {
    if (error !== undefined) options.onError(error);
  });
  return client;
}

/** Rejects with what the server or the network said, or with TIMEOUT; and then leaves nothing behind. */
async function connect(client: RedisClient, { connectTimeoutMs }: ConnectionOptions): Promise<void> {
  let reason: Error | undefined;
  client.on('error', (error) => (reason ??= nodeError(error) ?? error));
  // A cluster that knows none of its nodes' addresses is waited for without an end.
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(connectTimeout()), connectTimeoutMs);
  try {
    await Promise.race([client.connect(), late.promise]);
  } catch (error) {
    disconnect(client);
    throw reason ?? error;
  } finally {
    clearTimeout(timer);
  }
}

/** A cluster that could not be asked says what the last of its nodes said. */
function nodeError(error: unknown): Error | undefined {
  const { lastNodeError } = (error ?? {}) as { readonly lastNodeError?: unknown };
  return lastNodeError instanceof Error ? lastNodeError : undefined;
}

function connectTimeout(): RedisStreamsError {
  return new RedisStreamsError('NOT_CONNECTED', 'The server did not answer in time.');
}

/** Closing what has ended would start a timer that nothing ends. */
function disconnect(client: RedisClient): void {
  if (client.status !== 'end') client.disconnect();
}

/** Opened once, closed once. Reconnects by itself; a call without a connection rejects at once. */
export class Connection {
  readonly #template: RedisClientTemplate;
  readonly #options: ConnectionOptions;
  readonly #commands: RedisClient;
  readonly #readers = new Set<Reader>();
  /** Rises whenever the server is another one, or may be. */
  generation = 0;

  private constructor(template: RedisClientTemplate, options: ConnectionOptions, commands: RedisClient) {
    this.#template = template;
    this.#options = options;
    this.#commands = commands;
    commands.on('close', () => (this.generation += 1));
  }

  static async open(template: RedisClientTemplate, options: ConnectionOptions): Promise<Connection> {
    const commands = duplicate(template, options, false);
    await connect(commands, options);
    return new Connection(template, options, commands);
  }

  call(command: string, ...args: Argument[]): Promise<unknown> {
    return this.#commands.call(command, ...args);
  }

  callBuffer(command: string, ...args: Argument[]): Promise<unknown> {
    return this.#commands.callBuffer(command, ...args);
  }

  /** Texts in the answer. */
  run({ source, sha }: Script, keys: readonly string[], args: readonly Argument[]): Promise<unknown> {
    const rest = [keys.length, ...keys, ...args];
    return this.#commands
      .call('evalsha', sha, ...rest)
      .catch((error: unknown) =>
        isMissingScript(error) ? this.#commands.call('eval', source, ...rest) : Promise.reject(error as Error),
      );
  }

  /** Bytes in the answer. */
  runBuffer({ source, sha }: Script, keys: readonly string[], args: readonly Argument[]): Promise<unknown> {
    const rest = [keys.length, ...keys, ...args];
    return this.#commands
      .callBuffer('evalsha', sha, ...rest)
      .catch((error: unknown) =>
        isMissingScript(error) ? this.#commands.callBuffer('eval', source, ...rest) : Promise.reject(error as Error),
      );
  }

  /** A connection of its own for reads that wait. */
  async openReader(): Promise<Reader> {
    const client = duplicate(this.#template, this.#options, true);
    const reader = new Reader(client, this, () => this.#readers.delete(reader));
    await connect(client, this.#options);
    this.#readers.add(reader);
    return reader;
  }

  close(): void {
    for (const reader of this.#readers) reader.close();
    disconnect(this.#commands);
  }
}

/** One blocking read at a time. */
export class Reader {
  readonly #client: RedisClient;
  readonly #connection: Connection;
  readonly #onClose: () => void;
  #clientId: Promise<unknown> | undefined;
  #reading: Promise<unknown> | undefined;
  /** Rises with every new connection: what was read over an older one may have been lost on the way. */
  generation = 0;
  readonly blockMs: number;

  constructor(client: RedisClient, connection: Connection, onClose: () => void) {
    this.#client = client;
    this.#connection = connection;
    this.#onClose = onClose;
    this.blockMs = client.isCluster === true ? blockInClusterMs : blockMs;
    client.on('ready', () => this.#onReady());
  }

  /** Null after `blockMs` without anything, or when it was cut short. */
  async read(command: string, ...args: Argument[]): Promise<unknown> {
    const reading = this.#client.callBuffer(command, ...args);
    this.#reading = reading;
    try {
      return await reading;
    } finally {
      if (this.#reading === reading) this.#reading = undefined;
    }
  }

  /** The pending read returns with what it has. What comes before the server has begun with it does nothing, and is repeated. */
  async interrupt(): Promise<void> {
    const reading = this.#reading;
    while (reading !== undefined && this.#reading === reading && (await this.#unblock()) === 0) {
      await Promise.race([reading.catch(() => undefined), delay(repeatMs, undefined, { ref: false })]);
    }
  }

  /** 0: the server has not ended a read of ours. Undefined: it cannot be asked to, and the read ends by itself, soon enough. */
  async #unblock(): Promise<unknown> {
    const id = await this.#clientId;
    if (typeof id !== 'number') return undefined;
    return this.#connection.call('client', 'UNBLOCK', id).catch(() => 0);
  }

  close(): void {
    this.#onClose();
    disconnect(this.#client);
  }

  #onReady(): void {
    this.generation += 1;
    // The nodes of a cluster have connections of their own: there a read ends by itself.
    if (this.#client.isCluster === true) return;
    // Without it, reads are not cut short: they end by themselves. A connection that failed is told by its own 'error'.
    this.#clientId = this.#client.call('client', 'ID').catch(() => undefined);
  }
}
