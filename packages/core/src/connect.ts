import { Broker } from './client/broker.ts';
import { ClientOf } from './client/client.ts';
import { clientOptions } from './client/client-options.ts';
import { openTelemetry } from './client/telemetry.ts';
import type { Client, ClientOptions, Config } from './client-types.ts';
import { systemClock } from './clock.ts';
import { loadConfig, type ResolvedBroker } from './config/load-config.ts';
import type { Classification, Driver, DriverContext, DriverModule } from './driver-interface.ts';
import { AnymqError } from './errors.ts';
import { silentLogger } from './logger.ts';
import { requireKnown } from './options.ts';
import { within } from './within.ts';
import { wrapLater } from './wrap-later.ts';

const connectTimeoutMs = 30_000;

/**
 * Connects to every broker of a configuration: a URL, a configuration object, or the path of a JSON file with one.
 * Gives up after 30 s. @throws INVALID_OPTION, ADAPTER_MISSING, NOT_CONNECTED, UNAUTHENTICATED, TIMEOUT, ABORTED, …
 */
export async function connect(config: string | Config, options: ClientOptions = {}): Promise<Client> {
  requireKnown('connect', options, clientOptions);
  const { brokers, namespace, provision, route } = await loadConfig(config, options.drivers);
  const logger = options.logger ?? silentLogger;
  const context: DriverContext = {
    namespace,
    logger,
    clock: options.clock ?? systemClock,
    random: options.random ?? Math.random,
  };
  const telemetry = await openTelemetry(options);
  const opened = await Promise.allSettled(brokers.map((broker) => open(broker, context, options.signal)));
  const drivers = opened.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  const failed = opened.find((result) => result.status === 'rejected');
  if (failed !== undefined) {
    await Promise.allSettled(drivers.map((driver) => driver.close()));
    throw failed.reason;
  }
  const connected = new Map(
    brokers.map(({ name }, index) => [
      name,
      new Broker(name, drivers[index] as Driver, provision, telemetry, context.clock),
    ]),
  );
  return new ClientOf({
    brokers: [...connected.values()],
    route(destination) {
      const { broker, address } = route(destination);
      return { broker: connected.get(broker) as Broker, physical: address };
    },
    namespace,
    telemetry,
    options,
  });
}

/** A driver, or what it failed with, in time. One that comes too late is closed. */
async function open(
  { name, module, options }: ResolvedBroker,
  context: DriverContext,
  signal: AbortSignal | undefined,
): Promise<Driver> {
  throwIfAborted(signal);
  const creating = (async () => module.create(options, context))();
  try {
    const driver = await within(systemClock, connectTimeoutMs, creating, signal);
    if (driver !== undefined) return driver;
  } catch (error) {
    const { name: driver } = module;
    throw (await wrapLater({ name: driver, classifyError: () => whileConnecting(module, error) }, error)).error;
  }
  const tell = (): void =>
    context.logger.warn('anymq: closing a connection that came too late failed', { broker: name });
  creating.then(
    (driver) => driver.close().catch(tell),
    () => undefined, // There is nothing to close, and nobody waits for it any more.
  );
  throwIfAborted(signal);
  throw new AnymqError(
    'TIMEOUT',
    `The broker '${name}' did not answer within ${connectTimeoutMs} ms. Check its address, and that it runs.`,
    { driver: module.name },
  );
}

/** What nobody knows is taken for a broker that is not there. */
function whileConnecting(module: DriverModule, error: unknown): Classification {
  const found = module.classifyError(error);
  return found.code === 'UNKNOWN' ? { code: 'NOT_CONNECTED', retryable: true } : found;
}

function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw new AnymqError('ABORTED', 'Connecting was aborted by its signal.');
}
