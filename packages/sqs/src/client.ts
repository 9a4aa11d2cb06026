import type * as SnsSdk from '@aws-sdk/client-sns';
import { SQSClient, type SQSClientConfig } from '@aws-sdk/client-sqs';
import { SnsEndpoint } from './sns-endpoint.ts';
import { SqsEndpoint } from './sqs-endpoint.ts';
import { classifyError, ownError } from './errors.ts';
import type { SqsConnectionOptions, Tuning } from './options.ts';

/** What we call of a client of the AWS SDK. */
export interface AwsClient {
  send(command: never, options?: { readonly abortSignal?: AbortSignal }): Promise<unknown>;
  destroy(): void;
}

/** Requests that run at once: polls have an agent of their own, so that deletes never wait for one of their sockets. */
const maxSockets = 100;
const maxPollSockets = 200;
const madeUp = { accessKeyId: 'anymq', secretAccessKey: 'anymq' };

/**
 * The endpoints of one driver. Clients that we make never repeat a call by themselves: core does, and knows what a repeated
 * send means. Those passed in keep their own settings, and are not closed.
 */
export class Connection {
  /** Of queues. */
  readonly queues: SqsEndpoint;
  /** Of the queues of topics: the same, or beside an SNS emulator its own. */
  readonly topicQueues: SqsEndpoint;
  readonly #options: SqsConnectionOptions;
  readonly #tuning: Tuning;
  readonly #ours: AwsClient[] = [];
  #sns: Promise<SnsEndpoint> | undefined;

  constructor(options: SqsConnectionOptions, tuning: Tuning) {
    this.#options = options;
    this.#tuning = tuning;
    this.queues = this.#sqsAt(options.endpoint);
    this.topicQueues =
      options.snsEndpoint === undefined || options.snsEndpoint === options.endpoint
        ? this.queues
        : this.#sqsAt(options.snsEndpoint);
  }

  /** Resolves region and credentials, so that their lack shows at once. @throws UNAUTHENTICATED, INVALID_OPTION */
  async check(): Promise<void> {
    for (const client of this.#ours) await checkConfig(client as SQSClient);
  }

  /** Loads the client of SNS at the first use. @throws ADAPTER_MISSING */
  sns(): Promise<SnsEndpoint> {
    this.#sns ??= this.#openSns();
    this.#sns.catch(() => (this.#sns = undefined));
    return this.#sns;
  }

  close(): void {
    for (const client of this.#ours.splice(0)) client.destroy();
  }

  #sqsAt(endpoint: string | undefined): SqsEndpoint {
    const { client, pollClient = client } = this.#options;
    if (client !== undefined && pollClient !== undefined) return new SqsEndpoint(client, pollClient);
    const { requestTimeoutMs, pollSeconds } = this.#tuning;
    const calls = unlogged(new SQSClient(this.#configuration(endpoint, requestTimeoutMs, maxSockets)));
    const pollMs = requestTimeoutMs + pollSeconds * 1000;
    const polls = unlogged(new SQSClient(this.#configuration(endpoint, pollMs, maxPollSockets)));
    this.#ours.push(calls, polls);
    return new SqsEndpoint(uncut(calls), polls);
  }

  async #openSns(): Promise<SnsEndpoint> {
    const sdk = await loadSns();
    const { snsClient, endpoint } = this.#options;
    const { snsEndpoint = isEmulator(endpoint) ? endpoint : undefined } = this.#options;
    if (snsClient !== undefined) return new SnsEndpoint(sdk, snsClient);
    const { requestTimeoutMs } = this.#tuning;
    const client = unlogged(new sdk.SNSClient(this.#configuration(snsEndpoint, requestTimeoutMs, maxSockets)));
    this.#ours.push(client);
    return new SnsEndpoint(sdk, uncut(client));
  }

  #configuration(endpoint: string | undefined, requestTimeout: number, sockets: number): SQSClientConfig {
    const { region, credentials } = this.#options;
    const found = credentials ?? (isEmulator(endpoint) ? madeUp : undefined);
    return {
      maxAttempts: 1,
      cacheMiddleware: true,
      requestHandler: {
        connectionTimeout: this.#tuning.connectTimeoutMs,
        requestTimeout,
        throwOnRequestTimeout: true,
        httpAgent: { keepAlive: true, maxSockets: sockets },
        httpsAgent: { keepAlive: true, maxSockets: sockets },
      },
      ...(region === undefined ? {} : { region }),
      ...(endpoint === undefined ? {} : { endpoint }),
      ...(found === undefined ? {} : { credentials: found as NonNullable<SQSClientConfig['credentials']> }),
    };
  }
}

/**
 * Of a client whose calls end by their own timeout, and by `close`. The SDK keeps what a call goes through only for calls without options,
 * and makes it anew for one that has a signal.
 */
function uncut(client: AwsClient): AwsClient {
  return { send: (command) => client.send(command), destroy: () => client.destroy() };
}

/** For a logger that has `info`, though it writes nothing, the SDK copies every message that is sent and received. */
function unlogged<Client extends { readonly config: { readonly logger: object } }>(client: Client): Client {
  Object.assign(client.config.logger, { info: undefined });
  return client;
}

/** AWS itself is reached by https alone. */
function isEmulator(endpoint: string | undefined): boolean {
  return endpoint?.startsWith('http:') === true;
}

async function checkConfig({ config }: SQSClient): Promise<void> {
  try {
    await config.region();
  } catch (error) {
    throw ownError('INVALID_OPTION', 'No region is known. Name it: sqs://eu-west-1.', error);
  }
  try {
    await config.credentials();
  } catch (error) {
    const { code } = classifyError(error);
    if (code !== 'UNAUTHENTICATED') throw error;
    throw ownError(
      code,
      'The AWS SDK finds no credentials. Set them in its environment or profile, or pass some in.',
      error,
    );
  }
}

async function loadSns(): Promise<typeof SnsSdk> {
  try {
    return await import('@aws-sdk/client-sns');
  } catch (error) {
    throw ownError('ADAPTER_MISSING', 'Topics need the client of SNS: npm install @aws-sdk/client-sns', error);
  }
}
