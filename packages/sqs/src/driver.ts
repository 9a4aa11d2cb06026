import type { Driver, Receiver } from '@anymq/core/driver';
import { Connection } from './client.ts';
import { createDeadLetterStore } from './dead-letters.ts';
import type { DriverContext } from './driver-context.ts';
import { classifyError, ownError } from './errors.ts';
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
  const receivers = new Set<Receiver>();
  let closing: Promise<void> | undefined;
  const open = (): void => {
    if (closing !== undefined) throw ownError('CLOSED', 'The driver is closed.');
  };
  return {
    specificationVersion: 1,
    name: 'sqs',
    namespace,
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
    physicalNames: (address) => physicalNames(namespace, address),
    classifyError,
    async check() {
      open();
      await connection.queues.check(namespace);
    },
    close() {
      closing ??= closeAll(receivers, connection);
      return closing;
    },
  };
}

async function closeAll(receivers: ReadonlySet<Receiver>, connection: Connection): Promise<void> {
  await Promise.all([...receivers].map((receiver) => receiver.close()));
  connection.close();
}
