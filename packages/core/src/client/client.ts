import type { Client, ClientOptions, Health } from '../client-types.ts';
import { systemClock, type Clock } from '../clock.ts';
import type {
  BatchConsumerOptions,
  BatchHandler,
  Consumer,
  ConsumerDefinition,
  ConsumerOptions,
  Handler,
} from '../consume-types.ts';
import { groupOf } from '../consume/consumer-settings.ts';
import type { ManagedConsumer } from '../consume/consumer.ts';
import type { DeadLetterQueue } from '../dead-letter-types.ts';
import { createDeadLetterQueue } from '../dead-letters/dead-letter-queue.ts';
import type { Destination, Topic } from '../destination.ts';
import type { Address, ProvisionMode, ProvisionResult } from '../driver-interface.ts';
import { AnymqError } from '../errors.ts';
import type { Inspection } from '../inspection.ts';
import { requireKnown, requireNumber, requireOneOf } from '../options.ts';
import { physicalName } from '../physical-name.ts';
import { buildMessage, requireCapability } from '../produce/build-message.ts';
import type { Producer, ProducerOptions, SendOptions } from '../send-types.ts';
import { within } from '../within.ts';
import type { Broker } from './broker.ts';
import { addressOf, checkDestination } from './check-destination.ts';
import { checkHealth } from './check-health.ts';
import { openBatchConsumer, openConsumer, type ConsumerParts } from './consumers.ts';
import { openProducer, type ManagedProducer } from './producers.ts';
import type { Telemetry } from './telemetry.ts';

/** Where a destination lives. */
export interface Place {
  readonly broker: Broker;
  /** An existing resource's own address. */
  readonly physical: string | undefined;
}

export interface ClientParts {
  readonly brokers: readonly Broker[];
  /** @throws INVALID_OPTION */
  route(destination: string): Place;
  readonly namespace: string;
  readonly telemetry: Telemetry;
  readonly options: ClientOptions;
}

/** A driver that hangs while it closes does not hold up the others, nor the caller, for longer. */
const closeWithinMs = 5000;

/** What `connect` and `createClient` return. Owns its brokers, producers and consumers. */
export class ClientOf implements Client {
  readonly #parts: ClientParts;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #source: string;
  readonly #producers = new Set<ManagedProducer>();
  readonly #consumers = new Set<ManagedConsumer>();
  readonly #closed = new AbortController();
  #closing: Promise<void> | undefined;

  constructor(parts: ClientParts) {
    this.#parts = parts;
    const { clock, random, source, signal } = parts.options;
    this.#clock = clock ?? systemClock;
    this.#random = random ?? Math.random;
    this.#source = source ?? `/${parts.namespace}`;
    signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  producer<In, Out>(to: Destination<In, Out>, options: ProducerOptions = {}): Producer<In> {
    const { broker, physical } = this.#place(to);
    const made = openProducer(to, options, {
      broker,
      physical,
      clock: this.#clock,
      random: this.#random,
      source: this.#source,
      telemetry: this.#parts.telemetry,
      isClosed: () => this.#closing !== undefined,
    });
    this.#producers.add(made);
    return made.producer;
  }

  consumer<In, Out>(from: Destination<In, Out>, options: ConsumerOptions, handler: Handler<Out>): Consumer {
    return this.#track(openConsumer(from, options, handler as Handler<unknown>, this.#consumerParts(from)));
  }

  batchConsumer<In, Out>(
    from: Destination<In, Out>,
    options: BatchConsumerOptions,
    handler: BatchHandler<Out>,
  ): Consumer {
    return this.#track(openBatchConsumer(from, options, handler as BatchHandler<unknown>, this.#consumerParts(from)));
  }

  run(consumer: ConsumerDefinition): Consumer {
    return this.consumer(consumer.destination, consumer.options, (body, delivery) => consumer.handler(body, delivery));
  }

  deadLetters(of: Destination, options: { readonly group?: string } = {}): DeadLetterQueue {
    requireKnown('deadLetters', options, ['group']);
    const { broker, physical } = this.#place(of);
    const group = groupOf(of, options.group);
    return createDeadLetterQueue({
      openStore: () => broker.openDeadLetters(addressOf(of, physical, group)),
      clock: this.#clock,
      wrapError: (error) => broker.wrap(error).error,
      onWatchError: (error) =>
        this.#parts.telemetry.logger.warn('anymq: watching dead letters failed', {
          destination: of.name,
          group,
          code: broker.wrap(error).error.code,
        }),
      signal: this.#closed.signal,
    });
  }

  async inspect(what: Destination, options: { readonly group?: string } = {}): Promise<Inspection> {
    const { broker, address } = this.#address(what, options);
    const inspection = await broker.call(() => broker.driver.inspect(address));
    const consumers = [...this.#consumers].filter(
      ({ settings }) => settings.destination.name === what.name && settings.group === options.group,
    );
    const waiting = consumers.flatMap((consumer) => consumer.waitingPartitions());
    return waiting.length === 0 ? inspection : { ...inspection, waitingPartitions: [...new Set(waiting)] };
  }

  async seek(
    what: Topic,
    { group, to }: { readonly group: string; readonly to: 'earliest' | 'latest' | Date },
  ): Promise<void> {
    const { broker, address } = this.#address(what, { group });
    const { driver } = broker;
    requireCapability(
      { capabilities: driver.capabilities, driver: driver.name },
      'history',
      'seek',
      'Route the topic to a broker with history.',
    );
    if (!(to instanceof Date)) requireOneOf('to', to, ['earliest', 'latest']);
    else requireNumber('to', to.getTime(), { min: 0 });
    await broker.call(() => driver.seek?.(address, to) ?? Promise.resolve());
  }

  async provision(
    what: readonly Destination[],
    options: { readonly mode?: ProvisionMode } = {},
  ): Promise<ProvisionResult> {
    requireKnown('provision', options, ['mode']);
    const mode = requireOneOf('mode', options.mode ?? 'create', ['create', 'validate', 'assume']);
    const places = what.map((destination) => ({ destination, ...this.#place(destination) }));
    const created: string[] = [];
    const differences: string[] = [];
    for (const { destination, broker, physical } of places) {
      const result = await broker.provision(destination, physical, mode);
      created.push(...result.created);
      differences.push(...result.differences);
    }
    return { created, differences };
  }

  async remove(what: readonly Destination[], options: { readonly group?: string } = {}): Promise<void> {
    requireKnown('remove', options, ['group']);
    for (const destination of what) {
      const { broker, physical } = this.#place(destination);
      const group = options.group === undefined ? undefined : groupOf(destination, options.group);
      await broker.call(() => broker.driver.remove(addressOf(destination, physical, group)));
      broker.forget(destination);
    }
  }

  physicalNames(what: Destination, options: { readonly group?: string } = {}): { readonly [role: string]: string } {
    const { broker, physical } = this.#place(what);
    const group = options.group === undefined ? undefined : groupOf(what, options.group);
    const address = addressOf(what, physical, group);
    const { namespace } = this.#parts;
    return (
      broker.driver.physicalNames?.(address) ?? {
        main: physicalName(namespace, address),
        deadLetters: physicalName(namespace, address, 'dead'),
      }
    );
  }

  async check(): Promise<Health> {
    const health = await checkHealth({
      brokers: this.#parts.brokers,
      consumers: this.#consumers,
      clock: this.#clock,
      place: ({ settings: { destination, group } }) => {
        const { broker, physical } = this.#parts.route(destination.name);
        return { broker, address: addressOf(destination, physical, group) };
      },
    });
    return this.#closing === undefined ? health : { ...health, ok: false };
  }

  close(options: { readonly deadlineMs?: number } = {}): Promise<void> {
    requireKnown('close', options, ['deadlineMs']);
    const { deadlineMs = 30_000 } = options;
    requireNumber('deadlineMs', deadlineMs, { min: 0, max: 3_600_000 });
    if (this.#closing === undefined) this.#closing = this.#close(deadlineMs);
    else for (const consumer of this.#consumers) void consumer.stop({ deadlineMs });
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(deadlineMs: number): Promise<void> {
    this.#parts.options.signal?.removeEventListener('abort', this.#onAbort);
    await Promise.all(Array.from(this.#consumers, (consumer) => consumer.stop({ deadlineMs })));
    await within(this.#clock, deadlineMs, Promise.all(Array.from(this.#producers, (producer) => producer.flush())));
    this.#closed.abort();
    await this.#settled(Array.from(this.#producers, (producer) => producer.close()));
    await this.#settled(this.#parts.brokers.map((broker) => broker.call(() => broker.driver.close())));
  }

  readonly #onAbort = (): void => {
    void this.close();
  };

  /** What fails while closing is told to the logger: there is nothing that the caller could do. */
  async #settled(work: readonly Promise<void>[]): Promise<void> {
    const { logger } = this.#parts.telemetry;
    const tell = (error: AnymqError): void => logger.warn('anymq: closing failed', { code: error.code });
    await within(this.#clock, closeWithinMs, Promise.all(work.map((closing) => closing.catch(tell))));
  }

  #track(consumer: ManagedConsumer): Consumer {
    this.#consumers.add(consumer);
    return consumer;
  }

  /** @throws CLOSED, INVALID_OPTION, UNSUPPORTED */
  #place(destination: Destination): Place {
    if (this.#closing !== undefined) throw new AnymqError('CLOSED', 'The client is closed. Connect again.');
    const place = this.#parts.route(destination.name);
    checkDestination(destination, place.broker.driver);
    return place;
  }

  #address(
    what: Destination,
    options: { readonly group?: string },
  ): { readonly broker: Broker; readonly address: Address } {
    const { broker, physical } = this.#place(what);
    return { broker, address: addressOf(what, physical, groupOf(what, options.group)) };
  }

  #consumerParts(from: Destination): ConsumerParts {
    const { telemetry } = this.#parts;
    return {
      ...this.#place(from),
      clock: this.#clock,
      random: this.#random,
      telemetry,
      prepare: (to, body, options) => this.#prepare(to, body, options),
    };
  }

  #prepare(to: Destination, body: unknown, options: SendOptions | undefined): ReturnType<ConsumerParts['prepare']> {
    const { broker, physical } = this.#place(to);
    const { capabilities, limits, name } = broker.driver;
    const message = buildMessage(
      { destination: to, capabilities, limits, driver: name, source: this.#source },
      body,
      options,
      new Date(this.#clock.now()),
    );
    return { to: addressOf(to, physical), message };
  }
}
