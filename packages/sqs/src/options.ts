import {
  type Clock,
  commonNames,
  type CommonSettings,
  invalidOption,
  type Limits,
  type Logger,
  readCommon,
  readQuery,
  requireFlag,
  requireKnown,
  requireNumber,
  requireText,
} from '@anymq/core/driver';
import type { AwsClient } from './client.ts';

export const capabilities = {
  history: false,
  priority: false,
  expiry: true,
  deduplication: false,
  transactions: false,
  exactBacklog: false,
  nativeRedrive: false,
  brokerFilter: true,
  orderedScaleOut: true,
} as const;

export type SqsCapabilities = typeof capabilities;

/**
 * A message has at most 1 MiB with its attributes: half of it for the body, so that one that is no text fits as base64, and
 * headers and failure record with every character escaped beside it. Delays, leases and batches: the SQS Developer Guide's quotas.
 */
export const limits: Limits = {
  maxBodyBytes: 524_288,
  maxBatchMessages: 10,
  maxBatchBytes: 1_048_576,
  maxBatchesInFlight: 10,
  atomicBatch: false,
  delay: { maxMs: 900_000, resolutionMs: 1000 },
  maxRunMs: 43_200_000,
};

/** Credentials as the AWS SDK takes them: keys, or a function that resolves with them. */
export type SqsCredentials = object;

/** Where SQS and SNS are. */
export interface SqsConnectionOptions {
  /** As 'eu-west-1'. By default what the AWS SDK finds: environment, profile. */
  readonly region?: string | undefined;
  /** Of SQS, for emulators and private endpoints. An `http:` endpoint is taken for an emulator: without credentials some are made up. */
  readonly endpoint?: string | undefined;
  /**
   * Of SNS, and then also of the queues of topics: an emulator of SNS delivers to its own SQS. By default that of the region,
   * and beside an `http:` endpoint that one.
   */
  readonly snsEndpoint?: string | undefined;
  /** The AWS SDK's own chain by default. */
  readonly credentials?: SqsCredentials | undefined;
  /** An `SQSClient` for everything but receiving. Its settings stand, repeats included; it is never closed. */
  readonly client?: AwsClient | undefined;
  /** An `SQSClient` for receiving, whose calls take 20 s. `client` by default, which then needs a socket for each poller. */
  readonly pollClient?: AwsClient | undefined;
  /** An `SNSClient`, for topics. */
  readonly snsClient?: AwsClient | undefined;
}

export interface SqsTuning {
  /** How long to wait for a connection, in milliseconds: 5,000 by default; from 1. */
  readonly connectTimeoutMs?: number | undefined;
  /** How long to wait for an answer, in milliseconds: 20,000 by default; from 1. A receive has the time of its poll on top. */
  readonly requestTimeoutMs?: number | undefined;
  /** Most calls that wait for messages of one receiver: 10 by default; 1 to 50. */
  readonly maxPollers?: number | undefined;
  /** How long such a call waits, in seconds: 20 by default, which SQS allows at most; from 1. */
  readonly pollSeconds?: number | undefined;
  /** What an arriving message is leased for at first, in seconds: 5 by default, at most 60. Anything that runs longer is extended. */
  readonly firstLeaseSeconds?: number | undefined;
  /** Tags of queues and topics that are made. None by default. */
  readonly tags?: Readonly<Record<string, string>> | undefined;
  /** KMS key of queues and topics that are made; SQS-managed encryption by default. SNS needs the right to use it. */
  readonly kmsKeyId?: string | undefined;
  /** Standard queues get a message's key as its message group, so that one key with many messages holds up the others less. False by default: emulators refuse it. */
  readonly fairQueues?: boolean | undefined;
}

export interface SqsDriverOptions extends SqsConnectionOptions, SqsTuning {
  /** 'anymq' by default. */
  readonly namespace?: string | undefined;
  readonly clock?: Clock | undefined;
  readonly logger?: Logger | undefined;
  readonly random?: (() => number) | undefined;
}

const connectionNames = [
  'region',
  'endpoint',
  'snsEndpoint',
  'credentials',
  'client',
  'pollClient',
  'snsClient',
] as const;
const tuningNames = [
  'connectTimeoutMs',
  'requestTimeoutMs',
  'maxPollers',
  'pollSeconds',
  'firstLeaseSeconds',
  'tags',
  'kmsKeyId',
  'fairQueues',
] as const;
/** What a configuration object may hold beside `driver`. */
export const configurationNames: readonly string[] = [...connectionNames, ...tuningNames];
const allNames: readonly string[] = [...configurationNames, ...commonNames, 'random'];

export interface Tuning {
  readonly connectTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly maxPollers: number;
  readonly pollSeconds: number;
  readonly firstLeaseSeconds: number;
  readonly tags: Readonly<Record<string, string>>;
  readonly kmsKeyId: string | undefined;
  readonly fairQueues: boolean;
}

export interface Settings extends CommonSettings {
  readonly connection: SqsConnectionOptions;
  readonly tuning: Tuning;
}

/** @throws INVALID_OPTION */
export function readSettings(options: SqsDriverOptions): Settings {
  requireKnown('createSqsDriver', options, allNames);
  checkConnection(options);
  return { connection: options, tuning: readTuning(options), ...readCommon(options) };
}

function readTuning(options: SqsTuning): Tuning {
  const { tags = {}, kmsKeyId, fairQueues = false } = options;
  if (kmsKeyId !== undefined) requireText('kmsKeyId', kmsKeyId);
  if (typeof tags !== 'object' || tags === null || Object.values(tags).some((value) => typeof value !== 'string'))
    throw invalidOption("tags must be texts by name: { team: 'orders' }.");
  const whole = (name: keyof SqsTuning & string, value: unknown, max: number): number =>
    requireNumber(name, value, { min: 1, max, integer: true });
  return {
    connectTimeoutMs: whole('connectTimeoutMs', options.connectTimeoutMs ?? 5000, 600_000),
    requestTimeoutMs: whole('requestTimeoutMs', options.requestTimeoutMs ?? 20_000, 600_000),
    maxPollers: whole('maxPollers', options.maxPollers ?? 10, 50),
    pollSeconds: whole('pollSeconds', options.pollSeconds ?? 20, 20),
    firstLeaseSeconds: whole('firstLeaseSeconds', options.firstLeaseSeconds ?? 5, 60),
    tags,
    kmsKeyId,
    fairQueues: requireFlag('fairQueues', fairQueues),
  };
}

function checkConnection(options: SqsConnectionOptions): void {
  if (options.region !== undefined) requireText('region', options.region);
  for (const name of ['endpoint', 'snsEndpoint'] as const) {
    const url = options[name];
    if (url !== undefined && !isHttp(url)) throw invalidOption(`${name} must be a URL: http://127.0.0.1:9324.`);
  }
  for (const name of ['client', 'pollClient', 'snsClient'] as const) {
    const client = options[name];
    if (client !== undefined && typeof client?.send !== 'function')
      throw invalidOption(`${name} must be a client of the AWS SDK 3, which has send().`);
  }
  if (options.pollClient !== undefined && options.client === undefined)
    throw invalidOption('pollClient goes with client: pass in both.');
}

function isHttp(url: unknown): boolean {
  return typeof url === 'string' && URL.canParse(url) && /^https?:$/.test(new URL(url).protocol);
}

const urlOptions = {
  connectTimeoutMs: 'number',
  requestTimeoutMs: 'number',
  maxPollers: 'number',
  pollSeconds: 'number',
  firstLeaseSeconds: 'number',
  endpoint: 'text',
  snsEndpoint: 'text',
  kmsKeyId: 'text',
  fairQueues: 'flag',
} as const;

/** Of `sqs://region[?option=value]`. @throws INVALID_OPTION, without what the URL holds */
export function parseUrl(url: string): Readonly<Record<string, unknown>> {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  const isPlain =
    parsed !== undefined &&
    parsed.protocol === 'sqs:' &&
    /^\/?$/.test(parsed.pathname) &&
    parsed.username === '' &&
    parsed.password === '' &&
    parsed.port === '' &&
    parsed.hash === '';
  if (!isPlain) {
    throw invalidOption(
      'An SQS URL is sqs://eu-west-1, with options as its query; credentials are found by the AWS SDK, or passed in.',
    );
  }
  const { hostname, searchParams } = parsed;
  return { ...(hostname === '' ? {} : { region: hostname }), ...readQuery('An SQS URL', searchParams, urlOptions) };
}
