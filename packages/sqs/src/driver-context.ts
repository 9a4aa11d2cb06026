import type { Address, Clock, Limits, Logger } from '@anymq/core/driver';
import type { Connection } from './client.ts';
import { ownError } from './errors.ts';
import { deadLettersOf, namesOf, plain } from './names.ts';
import type { Tuning } from './options.ts';
import type { QueueEndpoint, SqsEndpoint } from './sqs-endpoint.ts';

/** What the parts of one driver share. */
export interface DriverContext {
  readonly connection: Connection;
  readonly tuning: Tuning;
  readonly namespace: string;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
  readonly limits: Limits;
  /** Topic → headers that filters of its groups look at, as far as this driver knows. */
  readonly filtered: Map<string, readonly string[]>;
}

export function endpointOf({ connection }: DriverContext, { kind }: Pick<Address, 'kind'>): SqsEndpoint {
  return kind === 'topic' ? connection.topicQueues : connection.queues;
}

/** A queue or a group of a topic, as its receiver and its dead letters see it. */
export interface Place {
  readonly endpoint: QueueEndpoint;
  readonly isFifo: boolean;
  readonly name: string;
  readonly url: string;
  readonly deadLettersUrl: string;
}

/** @throws when it is not there */
export async function openPlace(context: DriverContext, address: Address): Promise<Place> {
  const { queue } = namesOf(context.namespace, address);
  if (queue === undefined) throw ownError('INVALID_OPTION', 'A topic is received from by its groups.');
  return openQueue(context, address.kind, queue);
}

/** @throws when it is not there */
export async function openQueue(context: DriverContext, kind: Address['kind'], name: string): Promise<Place> {
  const endpoint = endpointOf(context, { kind });
  const [url, deadLettersUrl] = await Promise.all([endpoint.url(name), endpoint.url(deadLettersOf(name))]);
  return { endpoint, isFifo: name !== plain(name), name, url, deadLettersUrl };
}
