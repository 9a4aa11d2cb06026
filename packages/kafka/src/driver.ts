import { randomUUID } from 'node:crypto';
import { type Driver, guardedDriver } from '@anymq/core/driver';
import { Link } from './client.ts';
import { createDeadLetterStore } from './dead-letters.ts';
import type { DriverContext } from './driver-context.ts';
import { classifyError } from './errors.ts';
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
  const { namespace, clock, logger, tiersMs, minSessionMs, addPartitions, replicationFactor } = settings;
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
    addPartitions,
    replicationFactor,
  });
}

function driverOn(context: DriverContext): Driver<KafkaCapabilities> {
  const { namespace, link, writer } = context;
  return guardedDriver({
    name: 'kafka',
    namespace,
    capabilities,
    limits: limitsOf(context.tiersMs),
    openSender: async (to) => createSender(context, to),
    openReceiver: (from, options) => createReceiver(context, from, options),
    openDeadLetters: async (of) => createDeadLetterStore(context, of),
    provision: (plan, mode) => provision(context, plan.destinations, mode),
    remove: (address) => remove(context, address),
    inspect: (address) => inspect(context, address),
    seek: (address, to) => seek(context, address, to),
    physicalNames(address) {
      const { main, group, retry, dead } = namesOf(namespace, address);
      return { topic: main, group, retry, dead };
    },
    classifyError,
    async check() {
      const broker = await anyBroker(link);
      await broker.apiVersions();
    },
    async close() {
      await Promise.all([writer.close(), link.close()]);
    },
  });
}
