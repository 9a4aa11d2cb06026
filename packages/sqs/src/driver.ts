import { type Driver, guardedDriver } from '@anymq/core/driver';
import { Connection } from './client.ts';
import { createDeadLetterStore } from './dead-letters.ts';
import type { DriverContext } from './driver-context.ts';
import { classifyError } from './errors.ts';
import { physicalNames } from './names.ts';
import { capabilities, limits, readSettings, type SqsCapabilities, type SqsDriverOptions } from './options.ts';
import { provision } from './provisioning.ts';
import { createReceiver } from './receiver.ts';
import { createSender } from './sender.ts';
import { inspect, remove } from './topology.ts';

/**
 * A driver for `createClient(await createSqsDriver({ region }))`. Finds region and credentials; the first call reaches SQS.
 * @throws INVALID_OPTION, UNAUTHENTICATED
 */
export async function createSqsDriver(options: SqsDriverOptions = {}): Promise<Driver<SqsCapabilities>> {
  const { connection: where, tuning, ...rest } = readSettings(options);
  const connection = new Connection(where, tuning);
  try {
    await connection.check();
  } catch (error) {
    connection.close();
    throw error;
  }
  return createDriver({ connection, tuning, limits, filtered: new Map(), ...rest });
}

export function createDriver(context: DriverContext): Driver<SqsCapabilities> {
  const { connection, namespace } = context;
  return guardedDriver({
    name: 'sqs',
    namespace,
    capabilities,
    limits,
    openSender: async (to) => createSender(context, to),
    openReceiver: async (from, options) => createReceiver(context, from, options),
    openDeadLetters: async (of) => createDeadLetterStore(context, of),
    provision: (plan, mode) => provision(context, plan.destinations, mode),
    remove: (address) => remove(context, address),
    inspect: (address) => inspect(context, address),
    physicalNames: (address) => physicalNames(namespace, address),
    classifyError,
    check: () => connection.queues.check(namespace),
    close: () => connection.close(),
  });
}
