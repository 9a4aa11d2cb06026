import { AnymqError } from '@anymq/core/driver';
import { connect } from 'amqplib';
import { asError, RabbitmqError } from './errors.ts';
import { gathering } from './gather.ts';
import type { Endpoint } from './options.ts';
import type { Tell } from './tell.ts';

/** The parts of amqplib's promise API that this adapter calls. */
export interface AmqpProperties {
  readonly headers?: Readonly<Record<string, unknown>> | undefined;
  readonly messageId?: unknown;
  readonly contentType?: unknown;
  readonly timestamp?: unknown;
  readonly correlationId?: unknown;
  readonly replyTo?: unknown;
  readonly type?: unknown;
  readonly appId?: unknown;
}

export interface AmqpMessage {
  readonly content: Buffer;
  readonly fields: AmqpFields;
  readonly properties: AmqpProperties;
}

export interface AmqpFields {
  readonly exchange: string;
  readonly routingKey: string;
  readonly deliveryTag?: number;
  readonly redelivered?: boolean;
}

/** All that amqplib looks at when it acknowledges. */
export interface DeliveryRef {
  readonly fields: { readonly deliveryTag: number };
}

export interface QueueOptions {
  readonly durable: boolean;
  readonly exclusive?: boolean;
  readonly arguments?: Readonly<Record<string, unknown>>;
}

export interface AmqpChannel {
  on(event: string, listener: (value: unknown) => void): unknown;
  prefetch(count: number): Promise<unknown>;
  consume(
    queue: string,
    onMessage: (message: AmqpMessage | null) => void,
    options: {
      readonly priority?: number;
      readonly noAck?: boolean;
      readonly arguments?: Readonly<Record<string, unknown>>;
    },
  ): Promise<{ readonly consumerTag: string }>;
  cancel(consumerTag: string): Promise<unknown>;
  get(queue: string): Promise<AmqpMessage | false>;
  ack(message: DeliveryRef, allUpTo?: boolean): void;
  nack(message: DeliveryRef, allUpTo?: boolean, requeue?: boolean): void;
  nackAll(requeue?: boolean): void;
  checkQueue(queue: string): Promise<{ readonly messageCount: number }>;
  assertQueue(queue: string, options: QueueOptions): Promise<{ readonly queue: string }>;
  deleteQueue(queue: string): Promise<unknown>;
  bindQueue(queue: string, exchange: string, pattern: string): Promise<unknown>;
  checkExchange(exchange: string): Promise<unknown>;
  assertExchange(exchange: string, type: string, options: { readonly durable: boolean }): Promise<unknown>;
  deleteExchange(exchange: string): Promise<unknown>;
  close(): Promise<unknown>;
}

export interface PublishOptions {
  readonly persistent: boolean;
  readonly mandatory: boolean;
  readonly headers?: Readonly<Record<string, unknown>>;
  readonly messageId?: string;
  readonly contentType?: string;
  readonly timestamp?: number;
  readonly correlationId?: string;
  readonly replyTo?: string;
  readonly type?: string;
  readonly appId?: string;
}

export interface AmqpConfirmChannel extends AmqpChannel {
  publish(
    exchange: string,
    routingKey: string,
    content: Buffer,
    options: PublishOptions,
    onConfirm: (error: unknown) => void,
  ): boolean;
}

export interface AmqpConnection {
  on(event: string, listener: (value: unknown) => void): unknown;
  createChannel(): Promise<AmqpChannel>;
  createConfirmChannel(): Promise<AmqpConfirmChannel>;
  close(): Promise<void>;
  readonly connection: { readonly serverProperties: unknown; readonly stream?: unknown };
}

/** Makes one connection. Called once for publishing and once for consuming, and again after one was lost. */
export type ConnectRabbitmq = () => Promise<AmqpConnection>;

const oldestServer = 4;
const closeWithinMs = 2000;

/**
 * Each connection goes to the next node, beginning with a random one, so that a node that is gone is not asked again and again.
 * Rejects with what the last one said when none lets us in.
 *
 * `noDelay`, or every small frame waits for the acknowledgement of the one before: 45 messages a second instead of thousands.
 */
export function connector(endpoint: Endpoint, random: () => number = Math.random): ConnectRabbitmq {
  const { connectTimeoutMs, tls, nodes, ...server } = endpoint;
  const socket = {
    ...tls,
    noDelay: true,
    keepAlive: true,
    timeout: connectTimeoutMs,
    clientProperties: { connection_name: 'anymq' },
  };
  let next = Math.floor(random() * nodes.length);
  return async () => {
    for (let attempt = 1; ; attempt++) {
      const node = nodes[next++ % nodes.length] ?? nodes[0];
      try {
        return await connect({ ...server, ...node, frameMax: 0, locale: 'en_US' }, socket);
      } catch (error) {
        if (attempt === nodes.length) throw error;
      }
    }
  };
}

/** One connection: opened at its first use, once for all who wait for it, and opened again when it is used after a loss. */
export class Link {
  readonly tell: Tell;
  readonly #connect: ConnectRabbitmq;
  #opening: Promise<AmqpConnection> | undefined;
  #isClosed = false;
  #blocked: string | undefined;
  #wake: (() => void)[] = [];
  /** Holds together what is written in this turn. */
  gather: () => void = () => undefined;

  constructor(connect: ConnectRabbitmq, tell: Tell) {
    this.#connect = connect;
    this.tell = tell;
  }

  /** The broker takes nothing for now: why (memory, disk). */
  get blocked(): string | undefined {
    return this.#blocked;
  }

  /** @throws CLOSED, SERVER_TOO_OLD, and what the client throws when it cannot connect */
  use(): Promise<AmqpConnection> {
    if (this.#isClosed) return Promise.reject(new RabbitmqError('CLOSED', 'The driver is closed.'));
    this.#opening ??= this.#open();
    return this.#opening;
  }

  async channel(): Promise<AmqpChannel> {
    return listening(await (await this.use()).createChannel());
  }

  async confirmChannel(): Promise<AmqpConfirmChannel> {
    return listening(await (await this.use()).createConfirmChannel());
  }

  /** Runs on a channel of its own, because an error of the broker's ends the channel that it came on. */
  async onChannel<T>(work: (channel: AmqpChannel) => Promise<T>): Promise<T> {
    const channel = await this.channel();
    try {
      return await work(channel);
    } finally {
      await channel.close().catch(this.tell('closing a channel'));
    }
  }

  /** Resolves when the broker is heard to block, to unblock, or to be gone; or when `signal` aborts. */
  changed(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const end = (): void => {
        signal.removeEventListener('abort', end);
        this.#wake = this.#wake.filter((each) => each !== end);
        resolve();
      };
      this.#wake.push(end);
      signal.addEventListener('abort', end, { once: true });
    });
  }

  /** Twice is safe. Waits for the broker's goodbye, for two seconds at the most. */
  async close(): Promise<void> {
    this.#isClosed = true;
    // Whoever asked for the connection was told why there is none.
    const connection = await this.#opening?.catch(() => undefined);
    this.#opening = undefined;
    if (connection === undefined) return;
    const late = setTimeout(() => destroySocket(connection), closeWithinMs);
    // The client's own promise rejects when it was closed before, and stays open for ever when the socket ends meanwhile.
    const gone = new Promise<void>((resolve) => connection.on('close', () => resolve()));
    await Promise.race([connection.close().catch(this.tell('closing a connection')), gone]);
    clearTimeout(late);
  }

  async #open(): Promise<AmqpConnection> {
    try {
      const connection = await this.#connect();
      this.#listen(connection);
      this.gather = gathering(connection.connection.stream);
      await this.#requireVersion(connection);
      return connection;
    } catch (error) {
      this.#opening = undefined;
      throw asError(error);
    }
  }

  #listen(connection: AmqpConnection): void {
    const ignore = (): void => undefined;
    connection.on('error', ignore); // 'close' follows
    connection.on('handler-error', ignore);
    connection.on('close', () => {
      this.#opening = undefined;
      this.#setBlocked(undefined);
    });
    connection.on('blocked', (reason) => this.#setBlocked(typeof reason === 'string' ? reason : 'no reason given'));
    connection.on('unblocked', () => this.#setBlocked(undefined));
  }

  #setBlocked(reason: string | undefined): void {
    this.#blocked = reason;
    for (const wake of this.#wake.splice(0)) wake();
  }

  async #requireVersion(connection: AmqpConnection): Promise<void> {
    const version = versionOf(connection);
    if (version === undefined || !(Number.parseInt(version, 10) < oldestServer)) return;
    await connection.close().catch(this.tell('closing a connection'));
    // In core's own shape, which keeps the text.
    throw new AnymqError('SERVER_TOO_OLD', `RabbitMQ ${oldestServer}.0 or newer is needed; this is ${version}.`);
  }
}

/** Without a listener, an 'error' event would end the process. Whoever cares listens as well. */
function listening<C extends AmqpChannel>(channel: C): C {
  channel.on('error', () => undefined);
  channel.on('handler-error', () => undefined);
  return channel;
}

function versionOf({ connection }: AmqpConnection): string | undefined {
  const { version } = (connection.serverProperties ?? {}) as { readonly version?: unknown };
  return typeof version === 'string' ? version : undefined;
}

/** The client has no way to give a connection up without a goodbye. */
function destroySocket(connection: AmqpConnection): void {
  const { stream } = connection.connection as { readonly stream?: { readonly destroy?: (error: Error) => void } };
  stream?.destroy?.(new RabbitmqError('CONNECTION_LOST', 'The broker did not say goodbye in time.'));
}
