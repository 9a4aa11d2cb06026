import type { Client, Health } from '../client-types.ts';
import { systemClock } from '../clock.ts';
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
import type { ProvisionMode, ProvisionResult, SeekTarget } from '../driver-interface.ts';
import { AnymqError } from '../errors.ts';
import type { Inspection } from '../inspection.ts';
import { requireDeadline, requireKnown } from '../options.ts';
import { physicalName } from '../physical-name.ts';
import type { Producer, ProducerOptions } from '../send-types.ts';
import { within } from '../within.ts';
import { addressOf, checkDestination } from './check-destination.ts';
import type { ClientCore, ClientParts, Place } from './client-core.ts';
import { openConsumer } from './consumers.ts';
import { openProducer, type ManagedProducer } from './producers.ts';

interface OfGroup {
  readonly group?: string;
}

/** A driver that hangs while it closes does not hold up the others, nor the caller, for longer. */
const closeWithinMs = 5000;

const admin = async () => import('./admin.ts');

/** What `connect` and `createClient` return. Owns its brokers, producers and consumers. */
export class ClientOf implements Client {
  readonly #core: ClientCore;
  readonly #producers = new Set<ManagedProducer>();
  readonly #closed = new AbortController();
  #closing: Promise<void> | undefined;

  constructor(parts: ClientParts) {
    const { clock = systemClock, random = Math.random, source = `/${parts.namespace}`, signal } = parts.options;
    const place = (destination: Destination): Place => this.#place(destination);
    this.#core = { ...parts, clock, random, source, consumers: new Set(), place };
    signal?.addEventListener('abort', this.#onAbort, { once: true });
    if (signal?.aborted) this.#onAbort();
  }

  producer<In, Out>(to: Destination<In, Out>, options: ProducerOptions = {}): Producer<In> {
    const made = openProducer(this.#core, to, options, () => this.#isClosed);
    this.#producers.add(made);
    return made.producer;
  }

  consumer<In, Out>(from: Destination<In, Out>, options: ConsumerOptions, handler: Handler<Out>): Consumer {
    return this.#track(openConsumer(this.#core, from, options, handler as Handler<unknown>, 'single'));
  }

  batchConsumer<In, Out>(
    from: Destination<In, Out>,
    options: BatchConsumerOptions,
    handler: BatchHandler<Out>,
  ): Consumer {
    return this.#track(openConsumer(this.#core, from, options, handler as BatchHandler<unknown>, 'batch'));
  }

  run(consumer: ConsumerDefinition): Consumer {
    return this.consumer(consumer.destination, consumer.options, (body, delivery) => consumer.handler(body, delivery));
  }

  deadLetters(of: Destination, options: OfGroup = {}): DeadLetterQueue {
    requireKnown('deadLetters', options, ['group']);
    const { broker, physical } = this.#place(of);
    const group = groupOf(of, options.group);
    const { logger } = this.#core.telemetry;
    return createDeadLetterQueue({
      openStore: () => broker.driver.openDeadLetters(addressOf(of, physical, group)),
      clock: this.#core.clock,
      call: (work) => broker.call(work),
      async onTrouble(what, error) {
        const { code } = (await broker.wrap(error)).error;
        logger.warn(`anymq: ${what} of dead letters failed`, { destination: of.name, group, code });
      },
      signal: this.#closed.signal,
    });
  }

  async inspect(what: Destination, options: OfGroup = {}): Promise<Inspection> {
    return (await admin()).inspect(this.#core, what, options);
  }

  async seek(what: Topic, options: { readonly group: string; readonly to: SeekTarget }): Promise<void> {
    return (await admin()).seek(this.#core, what, options);
  }

  async provision(
    what: readonly Destination[],
    options: { readonly mode?: ProvisionMode } = {},
  ): Promise<ProvisionResult> {
    return (await admin()).provision(this.#core, what, options);
  }

  async remove(what: readonly Destination[], options: OfGroup = {}): Promise<void> {
    return (await admin()).remove(this.#core, what, options);
  }

  physicalNames(what: Destination, options: OfGroup = {}): { readonly [role: string]: string } {
    const { broker, physical } = this.#place(what);
    const { namespace } = this.#core;
    const address = addressOf(what, physical, options.group && groupOf(what, options.group));
    return (
      broker.driver.physicalNames?.(address) ?? {
        main: physicalName(namespace, address),
        deadLetters: physicalName(namespace, address, 'dead'),
      }
    );
  }

  async check(): Promise<Health> {
    const health = await (await admin()).checkHealth(this.#core);
    return this.#closing === undefined ? health : { ...health, ok: false };
  }

  close(options: { readonly deadlineMs?: number } = {}): Promise<void> {
    const deadlineMs = requireDeadline('close', options);
    if (this.#closing === undefined) this.#closing = this.#close(deadlineMs);
    else void this.#stopConsumers(deadlineMs);
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(deadlineMs: number): Promise<void> {
    const { brokers, options, clock } = this.#core;
    options.signal?.removeEventListener('abort', this.#onAbort);
    await this.#stopConsumers(deadlineMs);
    this.#closed.abort();
    const producers = [...this.#producers];
    await within(clock, deadlineMs, Promise.all(producers.map((producer) => producer.flush())));
    await this.#settled(producers.map((producer) => producer.close()));
    await this.#settled(brokers.map((broker) => broker.call(() => broker.driver.close())));
  }

  /** Handlers that still run may still send. */
  get #isClosed(): boolean {
    return this.#closing !== undefined && !Array.from(this.#core.consumers).some(({ state }) => state === 'stopping');
  }

  async #stopConsumers(deadlineMs: number): Promise<void> {
    await Promise.all(Array.from(this.#core.consumers, (consumer) => consumer.stop({ deadlineMs })));
  }

  readonly #onAbort = (): void => {
    void this.close();
  };

  /** What fails while closing is told to the logger: there is nothing that the caller could do. */
  async #settled(work: readonly Promise<void>[]): Promise<void> {
    const { clock, telemetry } = this.#core;
    const tell = ({ code }: AnymqError): void => telemetry.logger.warn('anymq: closing failed', { code });
    await within(clock, closeWithinMs, Promise.all(work.map((closing) => closing.catch(tell))));
  }

  #track(consumer: ManagedConsumer): Consumer {
    if (this.#closing !== undefined) throw closed();
    const { consumers } = this.#core;
    const made = consumer.health();
    // One that has ended is told of until another takes its place.
    for (const one of consumers) {
      const { destination, group, state } = one.health();
      if (destination === made.destination && group === made.group && /stopped|failed/.test(state))
        consumers.delete(one);
    }
    consumers.add(consumer);
    return consumer;
  }

  #place(destination: Destination): Place {
    if (this.#isClosed) throw closed();
    const place = this.#core.route(destination.name);
    checkDestination(destination, place.broker.driver);
    return place;
  }
}

function closed(): AnymqError {
  return new AnymqError('CLOSED', 'The client is closed. Connect again.');
}
