import type { Clock } from '@anymq/core/driver';
import type { AmqpConfirmChannel, AmqpMessage, Link, PublishOptions } from './client.ts';
import { asError, largestSize, RabbitmqError, replyCode } from './errors.ts';
import { unlessAborted } from './receiving.ts';

/** One message on its way to an exchange. The options are the client's. */
export interface Publication {
  readonly exchange: string;
  readonly routingKey: string;
  readonly content: Buffer;
  readonly options: PublishOptions;
}

/** Undefined: the broker has confirmed it. */
export type PublishResult = Error | undefined;

interface Flight {
  readonly publications: readonly Publication[];
  readonly results: PublishResult[];
  readonly confirmed: boolean[];
  readonly returned: Set<number>;
  open: number;
  end: () => void;
}

interface Lane {
  readonly channel: Promise<AmqpConfirmChannel>;
  readonly flights: Set<Flight>;
  /** What the broker said before it closed the channel. */
  failure: Error | undefined;
  waiting: number;
}

const maxLanes = 4;

/** Publishes with confirms, on a few channels of one connection. Never repeats anything. Batches may run at once. */
export class Publisher {
  readonly #link: Link;
  readonly #lanes: Lane[] = [];

  constructor(link: Link) {
    this.#link = link;
  }

  /**
   * One result per publication, in order; those of one batch reach a queue in that order. What is not confirmed when the
   * signal aborts fails as unknown. Rejects when nothing was sent: no connection, or the broker takes nothing.
   */
  async publish(publications: readonly Publication[], signal: AbortSignal): Promise<readonly PublishResult[]> {
    if (publications.length === 0) return [];
    await this.#unblocked(signal);
    const lane = this.#lane();
    lane.waiting += 1;
    try {
      const channel = await unlessAborted(lane.channel, signal);
      if (channel === undefined) throw aborted();
      if (publications.length > 1) this.#link.gather();
      return await send(lane, channel, publications, signal);
    } finally {
      lane.waiting -= 1;
    }
  }

  /** As `publish`, bounded by `withinMs`. Never rejects. */
  async publishWithin(
    clock: Clock,
    withinMs: number,
    publications: readonly Publication[],
  ): Promise<readonly PublishResult[]> {
    const late = new AbortController();
    const timer = clock.setTimeout(() => late.abort(), withinMs);
    try {
      return await this.publish(publications, late.signal);
    } catch (error) {
      return publications.map(() => asError(error));
    } finally {
      clock.clearTimeout(timer);
    }
  }

  /** After a connection was opened, and again while the broker takes nothing. @throws BLOCKED */
  async #unblocked(signal: AbortSignal): Promise<void> {
    while (this.#link.blocked !== undefined) {
      if (signal.aborted) throw new RabbitmqError('BLOCKED', `The broker takes no messages: ${this.#link.blocked}.`);
      await this.#link.changed(signal);
    }
    if (signal.aborted) throw aborted();
  }

  #lane(): Lane {
    const idlest = this.#lanes.toSorted((one, other) => one.waiting - other.waiting)[0];
    if (idlest !== undefined && (idlest.waiting === 0 || this.#lanes.length === maxLanes)) return idlest;
    return this.#openLane();
  }

  #openLane(): Lane {
    const lane: Lane = { channel: this.#openChannel(() => lane), flights: new Set(), failure: undefined, waiting: 0 };
    this.#lanes.push(lane);
    return lane;
  }

  async #openChannel(lane: () => Lane): Promise<AmqpConfirmChannel> {
    await Promise.resolve();
    const drop = (): void => {
      const index = this.#lanes.indexOf(lane());
      if (index !== -1) this.#lanes.splice(index, 1);
    };
    try {
      const channel = await this.#link.confirmChannel();
      channel.on('error', (error) => (lane().failure = asError(error)));
      channel.on('close', drop);
      channel.on('return', (message) => onReturn(lane(), message as AmqpMessage));
      return channel;
    } catch (error) {
      drop();
      throw asError(error);
    }
  }
}

function send(
  lane: Lane,
  channel: AmqpConfirmChannel,
  publications: readonly Publication[],
  signal: AbortSignal,
): Promise<readonly PublishResult[]> {
  const results: PublishResult[] = publications.map(() => undefined);
  const confirmed = publications.map(() => false);
  return new Promise((resolve) => {
    const end = (): void => {
      signal.removeEventListener('abort', giveUp);
      lane.flights.delete(flight);
      resolve(results);
    };
    const flight: Flight = { publications, results, confirmed, returned: new Set(), open: publications.length, end };
    const giveUp = (): void => {
      confirmed.forEach((isConfirmed, index) => {
        if (!isConfirmed)
          settle(flight, index, new RabbitmqError('NO_CONFIRMATION', 'The broker did not confirm in time.'));
      });
    };
    lane.flights.add(flight);
    signal.addEventListener('abort', giveUp, { once: true });
    publications.forEach((publication, index) => write(lane, channel, flight, publication, index));
    if (signal.aborted) giveUp();
  });
}

function write(lane: Lane, channel: AmqpConfirmChannel, flight: Flight, publication: Publication, index: number): void {
  const { exchange, routingKey, content, options } = publication;
  try {
    channel.publish(exchange, routingKey, content, options, (error) => {
      settle(flight, index, resultOf(lane, flight, publication, index, error));
    });
  } catch (error) {
    settle(flight, index, unsent(error));
  }
}

function settle(flight: Flight, index: number, result: PublishResult): void {
  if (flight.confirmed[index] === true) return;
  flight.confirmed[index] = true;
  flight.results[index] = result;
  flight.open -= 1;
  if (flight.open === 0) flight.end();
}

/** `error` is null for the broker's yes. A returned message is confirmed as well. */
function resultOf(lane: Lane, flight: Flight, publication: Publication, index: number, error: unknown): PublishResult {
  const { exchange, routingKey } = publication;
  if (error === null || error === undefined)
    return flight.returned.has(index)
      ? new RabbitmqError(
          'NO_ROUTE',
          `Nothing takes what is sent to '${exchange === '' ? routingKey : exchange}'. Provision it first.`,
        )
      : undefined;
  if (asError(error).message === 'message nacked')
    return new RabbitmqError('NOT_ACCEPTED', `The broker did not accept a message for '${routingKey}'.`);
  const { failure } = lane;
  // The others on this channel went down with the one that the broker complained about.
  if (failure !== undefined && concerns(failure, publication)) return failure;
  return new RabbitmqError('CONNECTION_LOST', 'The channel closed before the broker confirmed.', { cause: error });
}

/** Whether the broker may have meant this one: it names an exchange that is missing or closed to us, and the size that is too large. */
function concerns(failure: Error, { exchange, content }: Publication): boolean {
  const largest = largestSize(failure);
  if (largest !== undefined) return content.length > largest;
  const code = replyCode(failure);
  return (code !== 404 && code !== 403) || failure.message.includes(`'${exchange}'`);
}

/** The client threw before it wrote anything. */
function unsent(error: unknown): Error {
  return error instanceof RangeError || error instanceof TypeError
    ? new RabbitmqError('NOT_ENCODED', 'The message does not fit into a frame of AMQP.', { cause: error })
    : new RabbitmqError('NOT_SENT', 'The channel is closed.', { cause: error });
}

/** It comes before the confirm, and says of the publication only what is on the message itself. */
function onReturn(lane: Lane, { fields, properties }: AmqpMessage): void {
  for (const { publications, confirmed, returned } of lane.flights) {
    const index = publications.findIndex(
      ({ exchange, routingKey, options }, at) =>
        confirmed[at] !== true &&
        !returned.has(at) &&
        exchange === fields.exchange &&
        routingKey === fields.routingKey &&
        options.messageId === properties.messageId &&
        options.headers?.['cloudEvents_id'] === properties.headers?.['cloudEvents_id'],
    );
    if (index === -1) continue;
    returned.add(index);
    return;
  }
}

function aborted(): RabbitmqError {
  return new RabbitmqError('CALL_ABORTED', 'The send was aborted.');
}
