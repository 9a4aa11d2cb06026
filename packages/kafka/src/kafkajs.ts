import { createRequire } from 'node:module';
import { connect as connectPlain, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { Logger } from '@anymq/core/driver';
import type { KafkaConfig, SASLOptions } from 'kafkajs';
import { type ClientFactory, closedByUs, type Destroyable } from './client.ts';
import { mendKafkajs } from './mending.ts';
import type { KafkaConnectionOptions, KafkaSasl, KafkaSocketOptions, Settings } from './options.ts';

const keepAliveMs = 60_000;
/** Repetitions inside one of our own. */
const retry = { retries: 2, initialRetryTime: 100, maxRetryTime: 500 };
/** kafkajs says it of every producer that gives up some time; ours are then never used again. */
const expected = 'Limiting retries for the idempotent producer may invalidate EoS guarantees';

/** kafkajs is loaded here, and only when no client was passed in. */
export async function loadFactory(settings: Settings): Promise<ClientFactory> {
  const { connection, logger } = settings;
  const { client } = connection;
  if (settings.mendKafkajs) mendKafkajs(createRequire(import.meta.url), logger);
  if (client !== undefined) return { create: () => client };
  const { Kafka, logLevel } = await import('kafkajs');
  const common = {
    ...connectionOf(connection),
    retry,
    connectionTimeout: settings.connectTimeoutMs,
    requestTimeout: settings.requestTimeoutMs,
    logLevel: logLevel.INFO,
    logCreator: () => logTo(logger),
  };
  return {
    create: (onSocket) => new Kafka({ ...common, socketFactory: noting(connection, onSocket) }),
  };
}

function connectionOf({ brokers = ['127.0.0.1:9092'], ssl, sasl, clientId }: KafkaConnectionOptions): KafkaConfig {
  return {
    brokers: [...brokers],
    clientId: clientId ?? 'anymq',
    ...(ssl === undefined || ssl === false ? {} : { ssl }),
    ...(sasl === undefined ? {} : { sasl: saslOf(sasl) }),
  };
}

function saslOf(sasl: KafkaSasl): SASLOptions {
  if (sasl.mechanism !== 'oauthbearer') return sasl;
  return { mechanism: 'oauthbearer', oauthBearerProvider: async () => ({ value: await sasl.token() }) };
}

function noting({ socketFactory = openSocket }: KafkaConnectionOptions, onSocket: (socket: Destroyable) => void) {
  return (options: KafkaSocketOptions): Socket => {
    const socket = socketFactory(options);
    // kafkajs does it once for each request that waited, and without a handle Node waits for a connection that never comes.
    socket.once('close', () => (socket.unref = () => socket));
    onSocket(socket);
    return socket;
  };
}

function openSocket({ host, port, ssl, onConnect }: KafkaSocketOptions): Socket {
  const server = isIP(host) === 0 ? { servername: host } : {};
  const socket =
    ssl === undefined || ssl === null
      ? connectPlain({ host, port }, onConnect)
      : connectTls({ host, port, ...server, ...ssl }, onConnect);
  socket.setNoDelay(true);
  socket.setKeepAlive(true, keepAliveMs);
  return socket;
}

interface LogEntry {
  readonly namespace: string;
  readonly level: number;
  readonly log: { readonly message: string; readonly groupId?: string; readonly broker?: string };
}

/** Its errors are met again by our own loops, which repeat what failed: to the user they are warnings. */
function logTo(logger: Logger): (entry: LogEntry) => void {
  return ({ namespace, level, log: { message, groupId, broker } }) => {
    if (message === expected) return;
    const fields = {
      part: namespace,
      ...(typeof groupId === 'string' ? { group: groupId } : {}),
      ...(typeof broker === 'string' ? { broker } : {}),
    };
    if (level <= 2 && !isOrdinary(message)) logger.warn(`kafkajs: ${message}`, fields);
    else logger.debug(`kafkajs: ${message}`, fields);
  };
}

/** An answer that we asked for (whether there is such a topic), and the sound of our own closing. */
function isOrdinary(message: string): boolean {
  return message.startsWith('Response ') || message.endsWith(closedByUs.message);
}
