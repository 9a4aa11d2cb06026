import { randomUUID } from 'node:crypto';
import type { Driver, Receiver } from '@anymq/core/driver';
import { Link } from './client.ts';
import { createDeadLetterStore } from './dead-letters.ts';
import type { DriverContext } from './driver-context.ts';
import { classifyError, KafkaDriverError } from './errors.ts';
import { inspect } from './inspection.ts';
import { loadFactory } from './kafkajs.ts';
import { namesOf } from './names.ts';
import { capabilities, type KafkaCapabilities, type KafkaDriverOptions, limitsOf, readSettings } from './options.ts';
import { provision, remove, seek } from './provisioning.ts';
import { createReceiver } from './receiver.ts';
import { createSender } from './sender.ts';
import { anyBroker } from './cluster-calls.ts';
import { Writer } from './writer.ts';

/** Connects, and rejects with what the network or the broker said. @throws INVALID_OPTION */
export async function createKafkaDriver(options: KafkaDriverOptions = {}): Promise<Driver<KafkaCapabilities>> {
  const settings = readSettings(options);
  const { namespace, clock, logger, tiersMs, minSessionMs, replicationFactor } = settings;
  const factory = await loadFactory(settings);
  const link = await Link.open(factory, logger);
  return driverOn({
    factory,
    link,
    writer: new Writer(factory),
    namespace,
    clock,
    logger,
    ownerId: randomUUID().slice(0, 13),
    tiersMs,
    minSessionMs,
    replicationFactor,
  });
}

function driverOn(context: DriverContext): Driver<KafkaCapabilities> {
  const { namespace, link } = context;
  const receivers = new Set<Receiver>();
  let closing: Promise<void> | undefined;
  const open = (): void => {
    if (closing !== undefined) throw new KafkaDriverError('CLOSED', 'The driver is closed.');
  };
  return {
    specificationVersion: 1,
    name: 'kafka',
    namespace,
    capabilities,
    limits: limitsOf(context.tiersMs),
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
    physicalNames(address) {
      const { main, group, retry, dead } = namesOf(namespace, address);
      return { topic: main, group, retry, dead };
    },
    classifyError,
    async check() {
      open();
      const broker = await anyBroker(link);
      await broker.apiVersions();
    },
    close() {
      closing ??= closeAll(context, receivers);
      return closing;
    },
  };
}

async function closeAll({ writer, link }: DriverContext, receivers: ReadonlySet<Receiver>): Promise<void> {
  await Promise.all([...receivers].map((receiver) => receiver.close()));
  await Promise.all([writer.close(), link.close()]);
}
