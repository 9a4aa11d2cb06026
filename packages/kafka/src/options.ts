import type { Socket } from 'node:net';
import {
  type Clock,
  commonNames,
  decodePart,
  invalidOption,
  type Limits,
  type Logger,
  readCommon,
  readQuery,
  requireFlag,
  requireKnown,
  requireNumber,
  requireOneOf,
} from '@anymq/core/driver';
import type { KafkaClient } from './client.ts';

export const capabilities = {
  history: true,
  priority: false,
  expiry: true,
  deduplication: false,
  transactions: true,
  exactBacklog: false,
  nativeRedrive: false,
  brokerFilter: false,
  orderedScaleOut: true,
} as const;

export type KafkaCapabilities = typeof capabilities;

const defaultTiersMs: readonly number[] = [1000, 5000, 30_000, 180_000, 900_000, 3_600_000, 21_600_000, 86_400_000];

/** The broker's default for a batch is 1,048,588 bytes: a body leaves room for key, headers and failure record. */
export function limitsOf(tiersMs: readonly number[] = defaultTiersMs): Limits {
  return {
    maxBodyBytes: 983_040,
    maxBatchMessages: 500,
    maxBatchBytes: 4_194_304,
    maxBatchesInFlight: 4,
    atomicBatch: true,
    delay: { maxMs: tiersMs.at(-1) ?? 1000, resolutionMs: 1 },
    maxRunMs: Infinity,
  };
}

export const mechanisms = ['plain', 'scram-sha-256', 'scram-sha-512', 'oauthbearer'] as const;

export type KafkaSasl =
  | {
      readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
      readonly username: string;
      readonly password: string;
    }
  | {
      readonly mechanism: 'oauthbearer';
      /** Called for each connection. */
      readonly token: () => Promise<string>;
    };

/** Where the cluster is. `brokers` or `client`; 127.0.0.1:9092 by default. */
export interface KafkaConnectionOptions {
  /** Brokers to begin with, as 'host:port'. */
  readonly brokers?: readonly string[] | undefined;
  /** True, or options of Node's `tls.connect`. Off by default. */
  readonly ssl?: boolean | object | undefined;
  readonly sasl?: KafkaSasl | undefined;
  /** How the broker's logs and quotas know us: 'anymq' by default. */
  readonly clientId?: string | undefined;
  /** Makes the sockets, as kafkajs's option of that name does: for proxies. */
  readonly socketFactory?: ((options: KafkaSocketOptions) => Socket) | undefined;
  /** A `Kafka` of kafkajs, whose settings are taken over. Connections of our own are made from it. */
  readonly client?: KafkaClient | undefined;
}

export interface KafkaSocketOptions {
  readonly host: string;
  readonly port: number;
  readonly ssl?: object | undefined;
  readonly onConnect: () => void;
}

export interface KafkaTuning {
  /** How long to wait for a connection, in milliseconds: 5,000 by default; from 1. */
  readonly connectTimeoutMs?: number | undefined;
  /** How long to wait for an answer, in milliseconds: 30,000 by default; from 1,000. */
  readonly requestTimeoutMs?: number | undefined;
  /** The broker's `group.min.session.timeout.ms`: a consumer's `leaseMs` below it is raised to it. 6,000 by default; from 100. */
  readonly minSessionMs?: number | undefined;
  /** Of topics that are made: -1, the broker's `default.replication.factor`, by default. */
  readonly replicationFactor?: number | undefined;
  /** Lengths of the retry topics in milliseconds, ascending, from 1: 1 s, 5 s, 30 s, 3 min, 15 min, 1 h, 6 h and 1 day by default. */
  readonly tiersMs?: readonly number[] | undefined;
  /**
   * Names of destinations to which `provision` may add partitions when it is asked for more than there are; none by default.
   * A key may then go to another partition: what waits of it in the old one may be handled after, or beside, what comes.
   */
  readonly addPartitions?: readonly string[] | undefined;
  /**
   * Mends three mistakes of kafkajs 2.2.4, for the whole process: a timer that keeps a core busy for each idle connection,
   * connections that are made several times and forgotten, and answers that were cut and are read on by the next connection.
   * True by default.
   */
  readonly mendKafkajs?: boolean | undefined;
}

export interface KafkaDriverOptions extends KafkaConnectionOptions, KafkaTuning {
  /** 'anymq' by default. */
  readonly namespace?: string | undefined;
  readonly clock?: Clock | undefined;
  readonly logger?: Logger | undefined;
}

const connectionNames = ['brokers', 'ssl', 'sasl', 'clientId', 'socketFactory', 'client'] as const;
const tuningNames = [
  'connectTimeoutMs',
  'requestTimeoutMs',
  'minSessionMs',
  'replicationFactor',
  'tiersMs',
  'addPartitions',
  'mendKafkajs',
] as const;
/** What a configuration object may hold beside `driver`. */
export const configurationNames: readonly string[] = [...connectionNames, ...tuningNames];
const allNames: readonly string[] = [...configurationNames, ...commonNames];

export interface Settings {
  readonly connection: KafkaConnectionOptions;
  readonly connectTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly minSessionMs: number;
  readonly replicationFactor: number;
  readonly tiersMs: readonly number[];
  readonly addPartitions: ReadonlySet<string>;
  readonly mendKafkajs: boolean;
  readonly namespace: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

const maxTimerMs = 2_147_483_647;

/** @throws INVALID_OPTION */
export function readSettings(options: KafkaDriverOptions): Settings {
  requireKnown('createKafkaDriver', options, allNames);
  requirePlace(options);
  requireSasl(options.sasl);
  const { namespace, clock, logger } = readCommon(options);
  return {
    connection: options,
    connectTimeoutMs: requireNumber('connectTimeoutMs', options.connectTimeoutMs ?? 5000, { min: 1, max: maxTimerMs }),
    requestTimeoutMs: requireNumber('requestTimeoutMs', options.requestTimeoutMs ?? 30_000, {
      min: 1000,
      max: maxTimerMs,
    }),
    minSessionMs: requireNumber('minSessionMs', options.minSessionMs ?? 6000, { min: 100, max: maxTimerMs }),
    replicationFactor: requireNumber('replicationFactor', options.replicationFactor ?? -1, {
      min: -1,
      max: 1000,
      integer: true,
    }),
    tiersMs: requireTiers(options.tiersMs ?? defaultTiersMs),
    addPartitions: requireNames(options.addPartitions ?? []),
    mendKafkajs: requireFlag('mendKafkajs', options.mendKafkajs ?? true),
    namespace,
    clock,
    logger,
  };
}

function requirePlace({ brokers, client }: KafkaConnectionOptions): void {
  if (brokers !== undefined && client !== undefined) throw invalidOption('Give one of brokers and client; not both.');
  if (client !== undefined && typeof client?.consumer !== 'function')
    throw invalidOption('client must be a Kafka of kafkajs.');
  if (brokers === undefined) return;
  const fits = Array.isArray(brokers) && brokers.length > 0 && brokers.every(isBroker);
  if (!fits) throw invalidOption("brokers must be a list of addresses: ['a.example:9092'].");
}

function isBroker(broker: unknown): boolean {
  return typeof broker === 'string' && /^[^\s:/@]+:\d{1,5}$/.test(broker);
}

function requireSasl(sasl: KafkaSasl | undefined): void {
  if (sasl === undefined) return;
  const mechanism = requireOneOf('sasl.mechanism', (sasl as KafkaSasl | null)?.mechanism, mechanisms);
  const fits =
    sasl.mechanism === 'oauthbearer'
      ? typeof sasl.token === 'function'
      : typeof sasl.username === 'string' && typeof sasl.password === 'string';
  if (fits) return;
  const needs = mechanism === 'oauthbearer' ? 'token, a function' : 'username and password';
  throw invalidOption(`sasl with ${mechanism} needs ${needs}.`);
}

function requireTiers(tiersMs: readonly number[]): readonly number[] {
  const isList = Array.isArray(tiersMs) && tiersMs.length > 0 && tiersMs.length <= 32;
  if (!isList) throw invalidOption('tiersMs must be a list of 1 to 32 lengths in milliseconds.');
  for (const [index, tierMs] of tiersMs.entries()) {
    requireNumber('Each of tiersMs', tierMs, { min: 1, max: 604_800_000, integer: true });
    if (tierMs <= (tiersMs[index - 1] ?? 0)) throw invalidOption('tiersMs must ascend.');
  }
  return [...tiersMs];
}

function requireNames(names: readonly string[]): ReadonlySet<string> {
  if (!Array.isArray(names) || !names.every((name) => typeof name === 'string'))
    throw invalidOption("addPartitions must be a list of destinations: ['orders'].");
  return new Set(names);
}

const urlOptions = {
  connectTimeoutMs: 'number',
  requestTimeoutMs: 'number',
  minSessionMs: 'number',
  replicationFactor: 'number',
  ssl: 'flag',
  sasl: 'text',
  clientId: 'text',
  mendKafkajs: 'flag',
} as const;
const form = /^kafka:\/\/(?:([^@/?#]*)@)?([^@/?#]*)\/?(?:\?([^#]*))?$/;

/** Of `kafka://[user:password@]host[:port][,host[:port] …][/][?option=value]`. @throws INVALID_OPTION, without the credentials */
export function parseUrl(url: string): Readonly<Record<string, unknown>> {
  const found = form.exec(url);
  if (found === null) {
    throw invalidOption(
      'A Kafka URL is kafka://host:9092,host2:9092 or kafka://user:password@host:9092/?ssl=true&sasl=scram-sha-512, with options as its query.',
    );
  }
  const [, credentials, hosts = '', search = ''] = found;
  const { sasl, ...query } = readQuery('A Kafka URL', new URLSearchParams(search), urlOptions);
  return {
    brokers: hosts === '' ? ['127.0.0.1:9092'] : hosts.split(',').map(withPort),
    ...(credentials === undefined ? requireNoSasl(sasl) : { sasl: saslOf(credentials, sasl) }),
    ...query,
  };
}

function withPort(host: string): string {
  return host.includes(':') ? host : `${host}:9092`;
}

function requireNoSasl(mechanism: unknown): object {
  if (mechanism === undefined) return {};
  throw invalidOption('sasl in a Kafka URL needs the user and the password: kafka://user:password@host:9092.');
}

const encoded = 'User name and password of a Kafka URL must be percent-encoded.';

function saslOf(credentials: string, mechanism: unknown = 'plain'): KafkaSasl {
  const at = credentials.indexOf(':');
  const [username, password] = at === -1 ? [credentials, ''] : [credentials.slice(0, at), credentials.slice(at + 1)];
  return {
    mechanism: requireOneOf('sasl', mechanism, ['plain', 'scram-sha-256', 'scram-sha-512']),
    username: decodePart(username, encoded),
    password: decodePart(password, encoded),
  };
}
