import type { Driver, Receiver } from '@anymq/core/driver';
import { Connection } from './client.ts';
import { createDeadLetterStore } from './dead-letters.ts';
import type { DriverContext } from './driver-context.ts';
import { classifyError, RedisStreamsError } from './errors.ts';
import {
  capabilities,
  limits,
  readSettings,
  type RedisStreamsCapabilities,
  type RedisStreamsDriverOptions,
} from './options.ts';
import { provision } from './provisioning.ts';
import { createReceiver } from './receiver.ts';
import { createSender } from './sender.ts';
import { checkServer } from './server.ts';
import { loadTemplate } from './template.ts';
import { inspect, physicalNames, remove, seek } from './topology.ts';

/**
 * A connected driver, for `createClient(await createRedisStreamsDriver({ host }))`. Each receiver has a connection of its own
 * beside the driver's. @throws INVALID_OPTION, NOT_CONNECTED, UNAUTHENTICATED, SERVER_TOO_OLD, UNSUPPORTED
 */
export async function createRedisStreamsDriver(
  options: RedisStreamsDriverOptions = {},
): Promise<Driver<RedisStreamsCapabilities>> {
  const settings = readSettings(options);
  const { namespace, clock, random, logger, wait, abandonedGroupMs, connectTimeoutMs, commandTimeoutMs } = settings;
  const template = await loadTemplate(settings.connection);
  const connectOne = (): Promise<Connection> =>
    Connection.open(template, {
      connectTimeoutMs,
      commandTimeoutMs,
      onError: (error) => logger.debug('The connection to Redis has failed. It is made again.', { error: error.name }),
    });
  const connection = await connectOne();
  try {
    await checkServer(connection, logger, wait);
    const sending = wait.replicas + wait.aof > 0 ? await connectOne() : connection;
    return createDriver({ connection, sending, namespace, clock, random, logger, limits, abandonedGroupMs, wait });
  } catch (error) {
    connection.close();
    throw error;
  }
}

function createDriver(context: DriverContext): Driver<RedisStreamsCapabilities> {
  const { connection, namespace } = context;
  const receivers = new Set<Receiver>();
  let closing: Promise<void> | undefined;
  const open = (): void => {
    if (closing !== undefined) throw new RedisStreamsError('CLOSED', 'The driver is closed.');
  };
  return {
    specificationVersion: 1,
    name: 'redis-streams',
    capabilities,
    limits,
    async openSender(to) {
      open();
      return createSender(context, to);
    },
    async openReceiver(from, options) {
      open();
      const receiver = await createReceiver(context, from, options);
      receivers.add(receiver);
      return receiver;
    },
    async openDeadLetters(of) {
      open();
      return createDeadLetterStore(context, of);
    },
    async provision(plan, mode) {
      open();
      return provision(context, plan.destinations, mode);
    },
    remove: (address) => remove(context, address),
    inspect: (address) => inspect(context, address),
    seek: (address, to) => seek(context, address, to),
    physicalNames: (address) => physicalNames(namespace, address),
    classifyError,
    async check() {
      open();
      await connection.call('ping');
    },
    close() {
      closing ??= closeAll(receivers, context);
      return closing;
    },
  };
}

async function closeAll(receivers: ReadonlySet<Receiver>, { connection, sending }: DriverContext): Promise<void> {
  await Promise.all([...receivers].map((receiver) => receiver.close()));
  sending.close();
  connection.close();
}
