import { type Address, type Driver, guardedDriver, type Inspection } from '@anymq/core/driver';
import { connector, Link } from './client.ts';
import { createDeadLetterStore } from './dead-letters.ts';
import type { DriverContext, SharedContext } from './driver-context.ts';
import { Drain } from './drain.ts';
import { classifyError, RabbitmqError } from './errors.ts';
import { Levels, planLevels } from './levels.ts';
import { namesOf } from './names.ts';
import { NewQueues } from './new-queues.ts';
import { capabilities, type RabbitmqCapabilities, type RabbitmqDriverOptions, readOptions } from './options.ts';
import { provision, remove } from './provisioning.ts';
import { Publisher } from './publisher.ts';
import { createReceiver } from './receiver.ts';
import { createSender } from './sender.ts';
import { createTell } from './tell.ts';

export type RabbitmqDriver = Driver<RabbitmqCapabilities>;

const checkWithinMs = 10_000;

/**
 * A driver for RabbitMQ 4.0 or newer, for `createClient(await createRabbitmqDriver({ url }))`. Resolves when the broker has let
 * us in. @throws INVALID_OPTION, and what the client throws when it cannot connect
 */
export async function createRabbitmqDriver(options: RabbitmqDriverOptions = {}): Promise<RabbitmqDriver> {
  const { endpoint, connect, namespace, limits, clock, logger } = readOptions(options);
  const open = connect ?? connector(endpoint as NonNullable<typeof endpoint>);
  const tell = createTell(logger);
  const publishing = new Link(open, tell);
  const publisher = new Publisher(publishing);
  const newQueues = new NewQueues(publishing, namespace);
  const plan = planLevels(namespace, limits.delay.resolutionMs);
  const context: SharedContext = {
    namespace,
    limits,
    clock,
    logger,
    publishing,
    consuming: new Link(open, tell),
    publisher,
    levels: new Levels({ link: publishing, publisher, newQueues, clock, plan }),
    newQueues,
    tell,
  };
  await publishing.use();
  return createDriver({ ...context, drain: new Drain(context) });
}

function createDriver(context: DriverContext): RabbitmqDriver {
  return guardedDriver({
    name: 'rabbitmq',
    namespace: context.namespace,
    capabilities,
    limits: context.limits,
    openSender: (to) => createSender(context, to),
    openReceiver: (from, options) => createReceiver(context, from, options),
    openDeadLetters: async (of) => createDeadLetterStore(context, of),
    provision: (plan, mode) => provision(context, plan.destinations, mode),
    remove: (address) => remove(context, address),
    inspect: (address) => inspect(context, address),
    physicalNames: (address) => physicalNames(context.namespace, address),
    classifyError,
    check: () => check(context),
    async close() {
      await context.drain.close();
      await Promise.all([context.publishing.close(), context.consuming.close()]);
    },
  });
}

/** What waits and is not in anybody's hands; AMQP does not tell the rest. */
async function inspect({ namespace, publishing }: DriverContext, address: Address): Promise<Inspection> {
  const { queues, deadLetters } = namesOf(namespace, address);
  const counts = await publishing.onChannel(async (channel) => {
    const ready: number[] = [];
    for (const queue of [...queues, deadLetters]) ready.push((await channel.checkQueue(queue)).messageCount);
    return ready;
  });
  const letters = counts.pop() ?? 0;
  const unknown = { value: null, exact: false };
  return {
    backlog: { value: counts.reduce((sum, count) => sum + count, 0), exact: false },
    inFlight: unknown,
    delayed: unknown,
    deadLetters: { value: letters, exact: false },
    oldestAgeMs: null,
  };
}

function physicalNames(namespace: string, address: Address): Readonly<Record<string, string>> {
  const { queues, exchange, deadLetters } = namesOf(namespace, address);
  const partitions = queues.slice(1).map((queue, index) => [`partition${index + 1}`, queue] as const);
  const [first] = queues;
  if (exchange === undefined) return { queue: first ?? '', deadLetters, ...Object.fromEntries(partitions) };
  if (first === undefined) return { topic: exchange };
  return { topic: exchange, group: first, deadLetters, ...Object.fromEntries(partitions) };
}

/** Both connections, and whether the broker takes messages: it says that it does not only to those that try. */
async function check({ clock, publisher, publishing, consuming }: DriverContext): Promise<void> {
  await consuming.use();
  const probe = {
    exchange: '',
    routingKey: 'anymq-check',
    content: Buffer.alloc(0),
    options: { persistent: false, mandatory: false },
  };
  const done = new AbortController();
  const blocked = async (): Promise<never> => {
    while (publishing.blocked === undefined && !done.signal.aborted) await publishing.changed(done.signal);
    throw new RabbitmqError('BLOCKED', `The broker takes no messages: ${publishing.blocked ?? 'it did not answer'}.`);
  };
  const published = publisher.publishWithin(clock, checkWithinMs, [probe]);
  try {
    const [error] = await Promise.race([published, blocked()]);
    if (error !== undefined) throw error;
  } finally {
    done.abort();
  }
}
