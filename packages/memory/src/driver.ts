import {
  type Address,
  type Capabilities,
  type Driver,
  guardedDriver,
  type Inspection,
  physicalName,
  requireKnown,
  systemClock,
} from '@anymq/core/driver';
import { Broker, destinationName, type MemoryBroker } from './broker.ts';
import { createDeadLetterStore } from './dead-letters.ts';
import type { DriverContext } from './driver-context.ts';
import { classifyError } from './errors.ts';
import {
  type CapabilitiesOff,
  type CapabilitiesWithout,
  capabilitiesWithout,
  driverOptionNames,
  limitsOf,
  type MemoryDriverOptions,
  requireBroker,
} from './options.ts';
import { provision } from './provisioning.ts';
import { createReceiver } from './receiver.ts';
import { createSender } from './sender.ts';

export interface MemoryDriver<Off extends CapabilitiesOff = {}> extends Driver<CapabilitiesWithout<Off>> {
  readonly broker: MemoryBroker;
}

const contexts = new WeakMap<Driver, DriverContext>();

/**
 * A driver on a broker inside this process, for `createClient(createMemoryDriver())`. Without `broker` it gets a private
 * one, on the system's clock. @throws INVALID_OPTION
 */
export function createMemoryDriver<const Off extends CapabilitiesOff = {}>(
  options: MemoryDriverOptions<Off> = {},
): MemoryDriver<Off> {
  requireKnown('createMemoryDriver', options, driverOptionNames);
  const broker = options.broker === undefined ? new Broker(systemClock) : requireBroker(options.broker);
  const capabilities = capabilitiesWithout(options.capabilities);
  const context: DriverContext = {
    broker,
    connection: broker.connect(),
    namespace: options.namespace ?? 'anymq',
    limits: limitsOf(options),
    capabilities,
  };
  const driver = { ...createDriver(context, capabilities), broker };
  contexts.set(driver, context);
  return driver;
}

/**
 * What `kill -9` does to a process, done to a driver: its pending `receive` and every later call reject (NOT_CONNECTED),
 * its unsettled deliveries go back to their places at once, as suspects, and nothing is reported to it any more. The
 * broker and its other drivers go on. Twice is safe.
 */
export function crashMemoryDriver(driver: Driver): void {
  const context = contexts.get(driver);
  if (context === undefined) throw new TypeError('crashMemoryDriver takes what createMemoryDriver returned.');
  context.connection.crash();
  context.broker.connections.delete(context.connection);
}

function createDriver<C extends Capabilities>(context: DriverContext, capabilities: C): Driver<C> {
  const { broker, connection, namespace } = context;
  const seek: Driver['seek'] = async (address, to) =>
    broker.destination(namespace, address).seek(broker.group(namespace, address), to);
  return guardedDriver({
    name: 'memory',
    namespace,
    capabilities,
    limits: context.limits,
    use: () => connection.use(),
    openSender: async (to) => createSender(context, to),
    openReceiver: async (from, options) => createReceiver(context, from, options),
    openDeadLetters: async (of) => createDeadLetterStore(context, of),
    provision: async (plan, mode) => provision(broker, namespace, plan.destinations, mode),
    remove: async (address) => remove(context, address),
    inspect: async (address) => inspect(context, address),
    ...(capabilities.history ? { seek } : {}),
    physicalNames: (address) => physicalNames(namespace, address),
    classifyError,
    check: async () => undefined, // It can be used: that is all.
    close() {
      connection.close();
      broker.connections.delete(connection);
    },
  });
}

function remove({ broker, namespace }: DriverContext, address: Address): void {
  const destination = broker.find(namespace, address);
  if (destination === undefined) return;
  if (address.group !== undefined) return destination.removeGroup(address.group);
  destination.remove();
  broker.destinations.delete(destinationName(namespace, address));
}

function inspect({ broker, namespace, capabilities }: DriverContext, address: Address): Inspection {
  const group = broker.group(namespace, address);
  const { waiting, oldestAgeMs } = group.countWaiting(broker.clock.now());
  const exact = capabilities.exactBacklog;
  return {
    backlog: { value: waiting, exact },
    inFlight: { value: group.inFlight, exact },
    delayed: { value: group.delayed, exact },
    deadLetters: { value: group.letters.size, exact: true },
    oldestAgeMs,
  };
}

function physicalNames(namespace: string, address: Address): Readonly<Record<string, string>> {
  const destination = physicalName(namespace, { name: address.name, physical: address.physical });
  const deadLetters = physicalName(namespace, address, 'dead');
  if (address.kind === 'queue') return { queue: destination, deadLetters };
  return address.group === undefined
    ? { topic: destination }
    : { topic: destination, group: physicalName(namespace, address), deadLetters };
}
