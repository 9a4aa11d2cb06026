import type { Address, PlannedDestination, ProvisionMode, ProvisionResult } from '@anymq/core/driver';
import type { AmqpChannel } from './client.ts';
import type { DriverContext } from './driver-context.ts';
import { asError, isThere, replyCode } from './errors.ts';
import { markStream, type Names, namesOf, partitionsOf, registryName } from './names.ts';

/** Large, and never -1: without a limit, RabbitMQ 4.0 puts what comes back behind everything else. Core counts deaths itself. */
const deliveryLimit = 1_000_000;
/** Above the longest run that core allows; the broker's own 30 minutes would end the channel of a slow handler. */
const consumerTimeoutMs = 30 * 24 * 60 * 60 * 1000;

interface Findings {
  readonly created: string[];
  readonly differences: string[];
}

/** One thing on the broker, and how it is asked for and made. */
interface Piece {
  readonly name: string;
  check(channel: AmqpChannel): Promise<unknown>;
  declare(channel: AmqpChannel): Promise<unknown>;
}

/**
 * Makes or compares. Each step is safe to repeat, and to run beside others; what is there is never changed. What was made is
 * there to stay when this resolves.
 */
export async function provision(
  context: DriverContext,
  destinations: readonly PlannedDestination[],
  mode: ProvisionMode,
): Promise<ProvisionResult> {
  const findings: Findings = { created: [], differences: [] };
  if (mode === 'assume') return findings;
  for (const planned of destinations) await provisionOne(context, planned, mode, findings);
  await context.newQueues.save();
  return findings;
}

async function provisionOne(
  context: DriverContext,
  { address, groups }: PlannedDestination,
  mode: ProvisionMode,
  findings: Findings,
): Promise<void> {
  const { exchange } = namesOf(context.namespace, { ...address, group: undefined });
  if (exchange === undefined) return provisionQueues(context, address, mode, findings);
  const topic = exchangePiece(address, exchange);
  await bring(context, topic, mode, findings);
  for (const { name } of groups) await provisionQueues(context, { ...address, group: name }, mode, findings);
}

async function provisionQueues(
  context: DriverContext,
  address: Address,
  mode: ProvisionMode,
  findings: Findings,
): Promise<void> {
  const { queues, exchange, deadLetters } = namesOf(context.namespace, address);
  const before = findings.differences.length;
  await Promise.all(
    [deadLetters, ...queues].map(async (name) => {
      const isNew = await bring(context, queuePiece(address, name, name === deadLetters), mode, findings);
      if (isNew && exchange !== undefined && name === queues[0]) await register(context, exchange, address.group ?? '');
    }),
  );
  if (exchange === undefined || mode !== 'create' || findings.differences.length > before) return;
  await context.publishing.onChannel(async (channel) => {
    for (const [partition, queue] of queues.entries())
      await channel.bindQueue(queue, exchange, address.ordering === 'key' ? `#.${partition}` : '');
  });
}

function exchangePiece({ ordering }: Address, name: string): Piece {
  return {
    name,
    check: (channel) => channel.checkExchange(name),
    declare: (channel) => channel.assertExchange(name, ordering === 'key' ? 'topic' : 'fanout', { durable: true }),
  };
}

function queuePiece(address: Address, name: string, isDead: boolean): Piece {
  const isOrdered = address.ordering === 'key' && !isDead;
  const options = {
    durable: true,
    arguments: {
      'x-queue-type': 'quorum',
      // The broker compares it, so it also says how many partitions there are.
      'x-delivery-limit': deliveryLimit + (isOrdered ? partitionsOf(address) : 0),
      ...(isOrdered ? { 'x-single-active-consumer': true } : {}),
      'x-consumer-timeout': consumerTimeoutMs,
    },
  };
  return {
    name,
    check: (channel) => channel.checkQueue(name),
    declare: (channel) => channel.assertQueue(name, options),
  };
}

/** True: it was not there, and has been made. */
async function bring(
  { publishing, newQueues }: DriverContext,
  piece: Piece,
  mode: ProvisionMode,
  findings: Findings,
): Promise<boolean> {
  const isMissing = !(await isThere(() => publishing.onChannel((channel) => piece.check(channel))));
  if (isMissing && mode === 'validate') {
    findings.differences.push(`${piece.name} does not exist.`);
    return false;
  }
  if (isMissing) newQueues.expect();
  try {
    await publishing.onChannel((channel) => piece.declare(channel));
  } catch (error) {
    if (replyCode(error) !== 406) throw asError(error);
    findings.differences.push(describeDifference(piece.name, asError(error).message));
    return false;
  }
  if (isMissing) findings.created.push(piece.name);
  return isMissing;
}

/** The broker names the argument, as it was asked for and as it is. */
export function describeDifference(name: string, text: string): string {
  const match = /inequivalent arg '([^']+)'.*?received (.*?) but current is (.*?)"?$/.exec(text);
  if (match === null) return `${name} has other settings.`;
  const [, argument = '', received = '', current = ''] = match;
  const [wanted, is] = [valueOf(received), valueOf(current)];
  if (argument === 'x-single-active-consumer')
    return `${name} has ordering ${is === 'true' ? 'key' : 'none'}; ${wanted === 'true' ? 'key' : 'none'} was asked for.`;
  const partitions = [is, wanted].map((value) => Number(value) - deliveryLimit);
  if (argument === 'x-delivery-limit' && partitions.every((count) => count > 0))
    return `${name} has partitions ${partitions[0]}; ${partitions[1]} was asked for.`;
  return `${name} has ${argument} ${is}; ${wanted} was asked for.`;
}

function valueOf(text: string): string {
  return /'([^']*)'/.exec(text)?.[1] ?? text;
}

async function register(
  { publishing, publisher, clock }: DriverContext,
  exchange: string,
  group: string,
): Promise<void> {
  const queue = registryName(exchange);
  await publishing.onChannel((channel) =>
    channel.assertQueue(queue, { durable: true, arguments: { 'x-queue-type': 'quorum' } }),
  );
  const note = {
    exchange: '',
    routingKey: queue,
    content: Buffer.from(group),
    options: { persistent: true, mandatory: true },
  };
  const [error] = await publisher.publishWithin(clock, 10_000, [note]);
  if (error !== undefined) throw error;
}

/** With a group: that group alone. What is not there is no error. Delayed messages on their way there are dropped when they come. */
export async function remove(context: DriverContext, address: Address): Promise<void> {
  const names = namesOf(context.namespace, address);
  const { exchange } = names;
  await context.publishing.onChannel(async (channel) => {
    await deleteQueues(channel, names);
    if (exchange === undefined || address.group !== undefined) return;
    await channel.deleteExchange(exchange);
    for (const group of await groupsOf(channel, registryName(exchange))) {
      await deleteQueues(channel, namesOf(context.namespace, { ...address, group }));
    }
    await channel.deleteQueue(registryName(exchange));
  });
}

async function deleteQueues(channel: AmqpChannel, { queues, deadLetters }: Names): Promise<void> {
  const [first] = queues;
  if (first === undefined) return;
  for (const queue of [...queues, deadLetters, markStream(first)]) await channel.deleteQueue(queue);
}

async function groupsOf(channel: AmqpChannel, registry: string): Promise<ReadonlySet<string>> {
  const groups = new Set<string>();
  // Of a topic that never had a group there is none, and to ask for it would end the channel.
  await channel.assertQueue(registry, { durable: true, arguments: { 'x-queue-type': 'quorum' } });
  for (let note = await channel.get(registry); note !== false; note = await channel.get(registry))
    groups.add(note.content.toString());
  return groups;
}
