import type { Address, OutgoingMessage, SendOutcome, Sender } from '@anymq/core/driver';
import { type BatchAnswer, byBatches, maxBytes, type SendEntry } from './batches.ts';
import { type DriverContext, endpointOf } from './driver-context.ts';
import { deduplicationId, encodeMessage, fairGroup, groupOf, maxFilterHeaders, waitingGroup } from './encoding.ts';
import { isMissing, notSent } from './errors.ts';
import { namesOf } from './names.ts';

/** Each send of a message: core repeats one with the very same object, and a FIFO queue then drops what it has already. */
const generations = new WeakMap<OutgoingMessage, string>();

type Deliver = (entries: readonly SendEntry[], signal: AbortSignal) => Promise<readonly BatchAnswer[]>;

/** Sends to one queue or topic. */
export async function createSender(context: DriverContext, to: Address): Promise<Sender> {
  const { isFifo, queue, topic } = namesOf(context.namespace, to);
  const deliver = topic === undefined ? await toQueue(context, to, queue ?? '') : await toTopic(context, topic);
  const filtered = topic === undefined ? [] : await filteredHeaders(context, topic);
  const entryOf = isFifo
    ? (message: OutgoingMessage) => fifoEntry(context, message, filtered)
    : (message: OutgoingMessage) => standardEntry(context, message, filtered, topic === undefined);
  return {
    async sendBatch(messages, { signal }) {
      if (signal.aborted) throw notSent('ABORTED', 'The send was aborted.');
      const entries = messages.map(entryOf);
      const fitting = entries.filter(({ bytes }) => bytes <= maxBytes);
      const sent = await byBatches(fitting, (batch) => deliver(batch, signal), { bytesOf, inOrder: isFifo });
      const bySize = new Map(fitting.map((entry, index) => [entry, sent[index]]));
      return entries.map((entry, index) => outcomeOf(messages[index]?.id ?? '', bySize.get(entry)));
    },
    async close() {},
  };
}

export function bytesOf({ bytes }: SendEntry): number {
  return bytes;
}

async function toQueue(context: DriverContext, to: Address, name: string): Promise<Deliver> {
  const endpoint = endpointOf(context, to);
  await endpoint.url(name);
  return async (entries, signal) => {
    try {
      return await endpoint.send(await endpoint.url(name), entries, signal);
    } catch (error) {
      if (isMissing(error)) endpoint.forget(name);
      throw error;
    }
  };
}

async function toTopic({ connection }: DriverContext, name: string): Promise<Deliver> {
  const sns = await connection.sns();
  const arn = await sns.arn(name);
  return (entries, signal) => sns.publish(arn, entries, signal);
}

/** Of groups that this process knows, and of those that are subscribed. */
async function filteredHeaders(context: DriverContext, topic: string): Promise<readonly string[]> {
  const known = context.filtered.get(topic) ?? [];
  const names = new Set(known);
  try {
    const sns = await context.connection.sns();
    for (const { arn } of await sns.subscriptions(await sns.arn(topic)))
      for (const name of policyNames((await sns.subscriptionAttributes(arn))['FilterPolicy'])) names.add(name);
  } catch (error) {
    context.logger.warn(
      'The filters of a topic cannot be read: those of groups that this process does not know may not match.',
      {
        destination: topic,
        error: error instanceof Error ? error.name : typeof error,
      },
    );
  }
  return [...names].slice(0, maxFilterHeaders);
}

function policyNames(policy: string | undefined): readonly string[] {
  if (policy === undefined || policy === '') return [];
  const parsed: unknown = JSON.parse(policy);
  return typeof parsed === 'object' && parsed !== null ? Object.keys(parsed) : [];
}

/** A topic cannot delay: its groups get the message at once, and core sends it on its way there. */
function standardEntry(
  { clock, tuning }: DriverContext,
  message: OutgoingMessage,
  filtered: readonly string[],
  delays: boolean,
): SendEntry {
  const { dueAt, key } = message;
  const encoded = { ...encodeMessage(message, undefined, filtered), ...fairGroup(tuning.fairQueues, key) };
  if (dueAt === undefined || !delays) return encoded;
  return { ...encoded, delaySeconds: delaySeconds(dueAt - clock.now()) };
}

/** FIFO queues delay no single message: one that is not due waits in a group of its own, made invisible by who receives it. */
function fifoEntry({ clock }: DriverContext, message: OutgoingMessage, filtered: readonly string[]): SendEntry {
  const { id, key, dueAt } = message;
  let generation = generations.get(message);
  if (generation === undefined) {
    generation = crypto.randomUUID();
    generations.set(message, generation);
  }
  return {
    ...encodeMessage(message, undefined, filtered),
    groupId: dueAt !== undefined && dueAt > clock.now() ? waitingGroup(id) : groupOf(key, id),
    deduplicationId: deduplicationId(id, generation),
  };
}

/** Rounded down: core waits for the rest. At most 15 minutes: core hops. */
export function delaySeconds(delayMs: number): number {
  return Math.min(900, Math.max(0, Math.floor(delayMs / 1000)));
}

function outcomeOf(id: string, answer: BatchAnswer | undefined): SendOutcome {
  if (answer === undefined)
    return { ok: false, error: notSent('TOO_LARGE', 'With its attributes the message has more than 1 MiB.') };
  if (!answer.ok) return answer;
  const { sequence } = answer;
  return { ok: true, receipt: sequence === undefined ? { id } : { id, sequence } };
}
