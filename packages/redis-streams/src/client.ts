import type { Argument } from './encoding.ts';
import { isMissingScript, RedisStreamsError } from './errors.ts';
import { blockGraceMs, blockMs, Reader } from './reader.ts';
import type { Script } from './scripts/script.ts';

/** What we call of an ioredis client, of one server or of a cluster. */
export interface RedisClient {
  readonly status: string;
  readonly isCluster?: boolean;
  /** Of one server, while there is a connection. */
  readonly stream?: RedisSocket | null;
  connect(): Promise<unknown>;
  call(command: string, ...args: Argument[]): Promise<unknown>;
  callBuffer(command: string, ...args: Argument[]): Promise<unknown>;
  disconnect(reconnects?: boolean): void;
  on(event: 'error' | 'ready' | 'close', listener: (error?: Error) => void): unknown;
}

/** What we call of a client's socket. */
export interface RedisSocket {
  write(text: string): unknown;
  on(event: 'data', listener: (piece: Buffer) => void): unknown;
  off(event: 'data', listener: (piece: Buffer) => void): unknown;
  listeners(event: 'data'): readonly unknown[];
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
    const reader = new Reader(client, {
      connection: this,
      commandTimeoutMs: this.#options.commandTimeoutMs,
      onClose: () => {
        this.#readers.delete(reader);
        disconnect(client);
      },
    });
    await connect(client, this.#options);
    this.#readers.add(reader);
    return reader;
  }

  close(): void {
    for (const reader of this.#readers) reader.close();
    disconnect(this.#commands);
  }
}
