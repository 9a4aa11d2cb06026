import { type Address, type OutgoingMessage, partitionOf, type SendOutcome, type Sender } from '@anymq/core/driver';
import type { DriverContext } from './driver-context.ts';
import { encodeMessage } from './encoding.ts';
import { type Names, namesOf, partitionsOf } from './names.ts';
import { checkLevels, routed, type Shipment } from './routes.ts';
import type { Target } from './waits.ts';

/** Sends to one destination. @throws what the broker says when the topic's exchange is not there */
export async function createSender(context: DriverContext, to: Address): Promise<Sender> {
  const names = namesOf(context.namespace, to);
  const { exchange } = names;
  // A publish to an exchange that is not there would take down the channel, and all that is under way on it.
  if (exchange !== undefined) await context.publishing.onChannel((channel) => channel.checkExchange(exchange));
  return {
    async sendBatch(messages, { signal }) {
      const shipments = messages.map((message) => shipmentOf(to, names, message));
      const publications = await routed(context, shipments);
      const results = await context.publisher.publish(publications, signal);
      return checkLevels(context, publications, results).map((error, index) => outcomeOf(to, messages[index], error));
    },
    async close() {},
  };
}

function shipmentOf(to: Address, names: Names, message: OutgoingMessage): Shipment {
  return { target: targetOf(to, names, message), encoded: encodeMessage(message), dueAt: message.dueAt };
}

/** Of an ordered destination: the partition of the key, and of the id where there is no key. */
export function partitionFor(address: Address, message: Pick<OutgoingMessage, 'id' | 'key'>): number {
  const partitions = partitionsOf(address);
  return partitions === 1 ? 0 : partitionOf(message.key ?? message.id, partitions);
}

function targetOf(to: Address, { exchange, queues }: Names, message: OutgoingMessage): Target {
  const partition = partitionFor(to, message);
  return exchange === undefined ? { queue: queues[partition] ?? '' } : { exchange, routingKey: String(partition) };
}

function outcomeOf(to: Address, message: OutgoingMessage | undefined, error: Error | undefined): SendOutcome {
  if (error !== undefined || message === undefined) return { ok: false, error };
  const partition = to.ordering === 'key' ? partitionFor(to, message) : undefined;
  return { ok: true, receipt: partition === undefined ? { id: message.id } : { id: message.id, partition } };
}
