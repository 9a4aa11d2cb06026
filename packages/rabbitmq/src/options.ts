import {
  type Clock,
  commonNames,
  type CommonSettings,
  decodePart,
  invalidOption,
  type Limits,
  type Logger,
  readCommon,
  readPlace,
  readQuery,
  requireKnown,
  requireNumber,
  requireText,
} from '@anymq/core/driver';
import type { ConnectRabbitmq } from './client.ts';

export const capabilities = {
  history: false,
  priority: false,
  expiry: true,
  deduplication: false,
  transactions: false,
  exactBacklog: false,
  nativeRedrive: false,
  brokerFilter: false,
  orderedScaleOut: true,
} as const;

export type RabbitmqCapabilities = typeof capabilities;

export interface RabbitmqDriverOptions {
  /** `amqp://user:password@host:5672,host2:5672/vhost` or `amqps://…`. Query: `heartbeatSeconds`, `connectTimeoutMs`, `delayUnitMs`, `maxDelayMs`. */
  readonly url?: string | undefined;
  /** Instead of a URL. 'localhost' by default. */
  readonly hostname?: string | undefined;
  /** 5672 by default, 5671 with TLS. */
  readonly port?: number | undefined;
  /** Instead of `hostname` and `port`: the nodes of a cluster, as 'host' or 'host:port'. A connection that is lost is made again to the next one that lets us in. */
  readonly hosts?: readonly string[] | undefined;
  /** 'guest' by default, which RabbitMQ lets in from its own host only. */
  readonly username?: string | undefined;
  /** 'guest' by default. */
  readonly password?: string | undefined;
  /** '/' by default. */
  readonly vhost?: string | undefined;
  /** True, or the options of `tls.connect` (`ca`, `cert`, `key`, `servername`, …), for a TLS connection. */
  readonly tls?: boolean | Readonly<Record<string, unknown>> | undefined;
  /** From 1 to 600; 20 by default. A dead connection is noticed after two of them. */
  readonly heartbeatSeconds?: number | undefined;
  /** For the TCP connection and the handshake, in milliseconds from 1; 10,000 by default. */
  readonly connectTimeoutMs?: number | undefined;
  /** Makes the connections, instead of all of the above: `() => amqp.connect(url, { noDelay: true })`. */
  readonly connect?: ConnectRabbitmq | undefined;
  /** 'anymq' by default. */
  readonly namespace?: string | undefined;
  /** The finest delay that the broker keeps, in milliseconds from 10 to 60,000; 100 by default. The same for all clients of a namespace. */
  readonly delayUnitMs?: number | undefined;
  /** The longest delay that the broker keeps by itself, in milliseconds from `delayUnitMs`; 7 days by default. Core hops for longer ones. */
  readonly maxDelayMs?: number | undefined;
  /** Silent by default. */
  readonly logger?: Logger | undefined;
  /** The system's by default. */
  readonly clock?: Clock | undefined;
}

interface Node {
  readonly hostname: string;
  readonly port: number;
}

/** Where the broker is, for amqplib. */
export interface Endpoint {
  readonly protocol: 'amqp' | 'amqps';
  readonly nodes: readonly [Node, ...Node[]];
  readonly username: string;
  readonly password: string;
  readonly vhost: string;
  readonly heartbeat: number;
  readonly connectTimeoutMs: number;
  readonly tls: Readonly<Record<string, unknown>>;
}

const weekMs = 7 * 24 * 60 * 60 * 1000;
const defaultUnitMs = 100;

export const limits: Limits = {
  maxBodyBytes: 4_194_304,
  maxBatchMessages: 1000,
  maxBatchBytes: 8_388_608,
  maxBatchesInFlight: 4,
  atomicBatch: false,
  delay: { maxMs: weekMs, resolutionMs: defaultUnitMs },
  // Queues are made with a consumer timeout above that; RabbitMQ's own default of 30 minutes counts for others.
  maxRunMs: weekMs,
};

const urlOptions = {
  heartbeatSeconds: 'number',
  connectTimeoutMs: 'number',
  delayUnitMs: 'number',
  maxDelayMs: 'number',
} as const;
const endpointOptions = ['url', 'hostname', 'port', 'hosts', 'username', 'password', 'vhost', 'tls'] as const;
export const moduleOptions: readonly string[] = [...endpointOptions, ...Object.keys(urlOptions), 'connect'];

export interface Settings extends CommonSettings {
  readonly endpoint: Endpoint | undefined;
  readonly connect: ConnectRabbitmq | undefined;
  readonly limits: Limits;
}

/** @throws INVALID_OPTION */
export function readOptions(options: RabbitmqDriverOptions): Settings {
  requireKnown('createRabbitmqDriver', options, [...moduleOptions, ...commonNames]);
  const { url, ...rest } = options;
  const given = {
    ...(url === undefined ? {} : parseUrl(requireText('url', url))),
    ...withoutUndefined(rest),
  } as RabbitmqDriverOptions;
  const { connect } = given;
  if (connect !== undefined && typeof connect !== 'function')
    throw invalidOption('connect must be a function that resolves with a connection of amqplib.');
  const bounds = limitsOf(given);
  return {
    endpoint: connect === undefined ? endpointOf(given) : undefined,
    connect,
    limits: bounds,
    ...readCommon(given),
  };
}

function limitsOf({ delayUnitMs = defaultUnitMs, maxDelayMs = weekMs }: RabbitmqDriverOptions): Limits {
  const resolutionMs = requireNumber('delayUnitMs', delayUnitMs, { min: 10, max: 60_000, integer: true });
  const maxMs = requireNumber('maxDelayMs', maxDelayMs, { min: resolutionMs, max: weekMs });
  return { ...limits, delay: { maxMs, resolutionMs } };
}

function endpointOf(given: RabbitmqDriverOptions): Endpoint {
  const { tls = false, heartbeatSeconds = 20, connectTimeoutMs = 10_000 } = given;
  if (typeof tls !== 'boolean' && (typeof tls !== 'object' || tls === null))
    throw invalidOption('tls must be true, false, or options of tls.connect.');
  return {
    protocol: tls === false ? 'amqp' : 'amqps',
    nodes: nodesOf(given, tls === false ? 5672 : 5671),
    username: requireText('username', given.username ?? 'guest'),
    password: requireText('password', given.password ?? 'guest'),
    vhost: requireText('vhost', given.vhost ?? '/'),
    heartbeat: requireNumber('heartbeatSeconds', heartbeatSeconds, { min: 1, max: 600, integer: true }),
    connectTimeoutMs: requireNumber('connectTimeoutMs', connectTimeoutMs, { min: 1, max: 600_000 }),
    tls: typeof tls === 'object' ? tls : {},
  };
}

function nodesOf({ hosts, hostname, port }: RabbitmqDriverOptions, defaultPort: number): Endpoint['nodes'] {
  if (hosts === undefined) return [nodeOf(hostname ?? 'localhost', port ?? defaultPort)];
  if (hostname !== undefined || port !== undefined) throw invalidOption('Give hosts, or hostname and port; not both.');
  const found = Array.isArray(hosts) ? hosts.map((host) => hostForm.exec(typeof host === 'string' ? host : '')) : [];
  const [first, ...others] = found.map((parts) => nodeOf(parts?.[1] ?? parts?.[2], Number(parts?.[3] ?? defaultPort)));
  if (first === undefined) throw invalidOption("hosts must be a list of addresses: ['a.example:5672'].");
  return [first, ...others];
}

function nodeOf(hostname: unknown, port: number): Node {
  return {
    hostname: requireText('hostname', hostname),
    port: requireNumber('port', port, { min: 1, max: 65_535, integer: true }),
  };
}

/** Options of a URL. @throws INVALID_OPTION, which never holds any part of the URL */
export function parseUrl(url: string): Readonly<Record<string, unknown>> {
  const [parts, hosts] = readUrl(url);
  const query = readQuery('A RabbitMQ URL', parts.searchParams, urlOptions);
  const { host, port, ...rest } = readPlace(parts, example);
  return {
    ...(hosts.length > 1 ? { hosts } : { hostname: host, ...(port === undefined ? {} : { port }) }),
    ...rest,
    ...(parts.pathname.length > 1 ? { vhost: decodePart(parts.pathname.slice(1), example) } : {}),
    ...(parts.protocol === 'amqps:' ? { tls: true } : {}),
    ...query,
  };
}

const example =
  'A RabbitMQ URL is amqp://user:password@host:5672,host2:5672/vhost or amqps://…; reserved characters are percent-encoded.';
const urlForm = /^(amqps?:\/\/(?:[^/?#]*@)?)([^@/?#]*)(.*)$/s;
/** An IPv6 address in brackets, or a name; then the port. */
const hostForm = /^(?:\[([^\s[\]]+)\]|([^\s:/@[\]]+))(?::(\d{1,5}))?$/;

/** The URL with the first of its hosts alone, and all of them. */
function readUrl(url: string): readonly [URL, readonly string[]] {
  const [, start = '', place = '', rest = ''] = urlForm.exec(url) ?? [];
  const hosts = place.split(',');
  const first = `${start}${hosts[0]}${rest}`;
  const parts = URL.canParse(first) ? new URL(first) : undefined;
  if (parts === undefined || parts.hostname === '' || parts.hash !== '' || !hosts.every((host) => hostForm.test(host)))
    throw invalidOption(example);
  return [parts, hosts];
}

function withoutUndefined(options: object): object {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}
