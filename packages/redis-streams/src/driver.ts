import { type Driver, guardedDriver } from '@anymq/core/driver';
import { Connection } from './client.ts';
import { createDeadLetterStore } from './dead-letters.ts';
import type { DriverContext } from './driver-context.ts';
import { classifyError } from './errors.ts';
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
  const { connection, sending, namespace } = context;
  return guardedDriver({
    name: 'redis-streams',
    namespace,
    capabilities,
    limits,
    openSender: async (to) => createSender(context, to),
    openReceiver: (from, options) => createReceiver(context, from, options),
    openDeadLetters: async (of) => createDeadLetterStore(context, of),
    provision: (plan, mode) => provision(context, plan.destinations, mode),
    remove: (address) => remove(context, address),
    inspect: (address) => inspect(context, address),
    seek: (address, to) => seek(context, address, to),
    physicalNames: (address) => physicalNames(namespace, address),
    classifyError,
    async check() {
      await connection.call('ping');
    },
    close() {
      sending.close();
      connection.close();
    },
  });
}
