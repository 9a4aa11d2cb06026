import {
  type Clock,
  commonNames,
  type CommonSettings,
  invalidOption,
  type Limits,
  type Logger,
  readCommon,
  readPlace,
  readQuery,
  requireFlag,
  requireKnown,
  requireNumber,
} from '@anymq/core/driver';
import type { RedisClientTemplate } from './client.ts';

export const capabilities = {
  history: true,
  priority: false,
  expiry: true,
  deduplication: false,
  transactions: false,
  exactBacklog: true,
  nativeRedrive: false,
  brokerFilter: false,
  orderedScaleOut: true,
} as const;

export type RedisStreamsCapabilities = typeof capabilities;

const weekMs = 7 * 24 * 60 * 60 * 1000;

export const limits: Limits = {
  maxBodyBytes: 1_048_576,
  maxBatchMessages: 500,
  maxBatchBytes: 8_388_608,
  maxBatchesInFlight: 4,
  atomicBatch: true,
  delay: { maxMs: weekMs + 3_600_000, resolutionMs: 1 },
  maxRunMs: Infinity,
};

export interface RedisNode {
  readonly host: string;
  /** 6379 by default. */
  readonly port?: number | undefined;
}

/** Where the server is. One of `host`, `sentinels`, `cluster` and `client`; 127.0.0.1 by default. */
export interface RedisConnectionOptions {
  readonly host?: string | undefined;
  /** 6379 by default. */
  readonly port?: number | undefined;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  /** 0 by default; a cluster has no other. */
  readonly db?: number | undefined;
  /** True, or options of Node's `tls.connect`; of the sentinels too. Off by default. */
  readonly tls?: boolean | object | undefined;
  /** Sentinels that know the master `sentinelMaster`. */
  readonly sentinels?: readonly RedisNode[] | undefined;
  /** 'mymaster' by default. */
  readonly sentinelMaster?: string | undefined;
  /** Where the sentinels ask for them: those of the servers are never told to them. */
  readonly sentinelUsername?: string | undefined;
  readonly sentinelPassword?: string | undefined;
  /** Nodes of a cluster to begin with. */
  readonly cluster?: readonly RedisNode[] | undefined;
  /** An ioredis client, of a server or a cluster, whose settings are taken over. It is not used itself, and not closed. */
  readonly client?: RedisClientTemplate | undefined;
}

export interface RedisStreamsTuning {
  /** How long to wait for a connection, in milliseconds: 10,000 by default; from 1. */
  readonly connectTimeoutMs?: number | undefined;
  /** How long to wait for an answer, in milliseconds: 10,000 by default; from 1. */
  readonly commandTimeoutMs?: number | undefined;
  /** A send is confirmed when so many replicas have it (WAIT): 0 by default, at most 100. */
  readonly waitReplicas?: number | undefined;
  /** A send is confirmed when the server's append-only file is on disk (WAITAOF, Redis 7.2): false by default. */
  readonly waitAof?: boolean | undefined;
  /** How long `waitReplicas` and `waitAof` may take, in milliseconds: 5,000 by default; from 1. */
  readonly waitTimeoutMs?: number | undefined;
  /** A topic's group without a member for so long does not keep messages any more, in milliseconds: 7 days by default; from 60,000. */
  readonly abandonedGroupMs?: number | undefined;
}

export interface RedisStreamsDriverOptions extends RedisConnectionOptions, RedisStreamsTuning {
  /** 'anymq' by default. */
  readonly namespace?: string | undefined;
  readonly clock?: Clock | undefined;
  readonly logger?: Logger | undefined;
  readonly random?: (() => number) | undefined;
}

const connectionNames = [
  'host',
  'port',
  'username',
  'password',
  'db',
  'tls',
  'sentinels',
  'sentinelMaster',
  'sentinelUsername',
  'sentinelPassword',
  'cluster',
  'client',
] as const;
const tuningNames = [
  'connectTimeoutMs',
  'commandTimeoutMs',
  'waitReplicas',
  'waitAof',
  'waitTimeoutMs',
  'abandonedGroupMs',
] as const;
/** What a configuration object may hold beside `driver`. */
export const configurationNames: readonly string[] = [...connectionNames, ...tuningNames];
const allNames: readonly string[] = [...configurationNames, ...commonNames, 'random'];

export interface Settings extends CommonSettings {
  readonly connection: RedisConnectionOptions;
  readonly connectTimeoutMs: number;
  readonly commandTimeoutMs: number;
  readonly abandonedGroupMs: number;
  readonly wait: { readonly replicas: number; readonly aof: number; readonly timeoutMs: number };
}

const minuteMs = 60_000;

/** @throws INVALID_OPTION */
export function readSettings(options: RedisStreamsDriverOptions): Settings {
  requireKnown('createRedisStreamsDriver', options, allNames);
  requireOnePlace(options);
  const isCluster = options.cluster !== undefined || options.client?.isCluster === true;
  if (isCluster && ((options.waitReplicas ?? 0) > 0 || options.waitAof === true)) {
    throw invalidOption(
      'waitReplicas and waitAof work with one server, not with a cluster, whose nodes confirm each for itself.',
    );
  }
  if (options.port !== undefined) requireNumber('port', options.port, { min: 1, max: 65_535 });
  if (options.db !== undefined) requireNumber('db', options.db, { min: 0, max: 1_000_000 });
  const time = (name: (typeof tuningNames)[number], value: number | undefined, usual: number, min = 1): number =>
    requireNumber(name, value ?? usual, { min, max: 2_147_483_647 });
  return {
    connection: options,
    connectTimeoutMs: time('connectTimeoutMs', options.connectTimeoutMs, 10_000),
    commandTimeoutMs: time('commandTimeoutMs', options.commandTimeoutMs, 10_000),
    abandonedGroupMs: time('abandonedGroupMs', options.abandonedGroupMs, weekMs, minuteMs),
    wait: {
      replicas: requireNumber('waitReplicas', options.waitReplicas ?? 0, { min: 0, max: 100 }),
      aof: requireFlag('waitAof', options.waitAof ?? false) ? 1 : 0,
      timeoutMs: time('waitTimeoutMs', options.waitTimeoutMs, 5000),
    },
    ...readCommon(options),
  };
}

function requireOnePlace(options: RedisConnectionOptions): void {
  const given = (['host', 'sentinels', 'cluster', 'client'] as const).filter((name) => options[name] !== undefined);
  if (given.length > 1)
    throw invalidOption(`Give one of host, sentinels, cluster and client; not ${given.join(' and ')}.`);
  for (const name of ['sentinels', 'cluster'] as const) {
    const nodes = options[name];
    if (nodes !== undefined && !(Array.isArray(nodes) && nodes.length > 0 && nodes.every(isNode))) {
      throw invalidOption(`${name} must be a list of nodes: [{ host: 'a.example', port: 6379 }].`);
    }
  }
  if (options.client !== undefined && typeof options.client?.duplicate !== 'function')
    throw invalidOption('client must be a client of ioredis.');
}

function isNode(node: unknown): boolean {
  return typeof node === 'object' && node !== null && 'host' in node && typeof node.host === 'string';
}

const urlOptions = {
  connectTimeoutMs: 'number',
  commandTimeoutMs: 'number',
  waitReplicas: 'number',
  waitTimeoutMs: 'number',
  abandonedGroupMs: 'number',
  waitAof: 'flag',
} as const;

/** Of `redis[s]://[user:password@]host[:port][/db][?option=value]`. @throws INVALID_OPTION, without the credentials */
export function parseUrl(url: string): Readonly<Record<string, unknown>> {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  const path = parsed?.pathname.replace(/^\//, '') ?? '';
  if (parsed === undefined || !/^rediss?:$/.test(parsed.protocol) || !/^\d*$/.test(path) || parsed.hash !== '') {
    throw invalidOption(
      'A Redis URL is redis://host:port or rediss://user:password@host:port/db, with options as its query.',
    );
  }
  const query = readQuery('A Redis URL', parsed.searchParams, urlOptions);
  const { host, ...rest } = readPlace(parsed, 'User name and password of a Redis URL must be percent-encoded.');
  return {
    host: host === '' ? '127.0.0.1' : host,
    ...rest,
    ...(path === '' ? {} : { db: Number(path) }),
    ...(parsed.protocol === 'rediss:' ? { tls: true } : {}),
    ...query,
  };
}
