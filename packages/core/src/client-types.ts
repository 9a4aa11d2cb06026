import type { Capabilities } from './capabilities.ts';
import type { Clock } from './clock.ts';
import type {
  BatchConsumerOptions,
  BatchHandler,
  Consumer,
  ConsumerDefinition,
  ConsumerOptions,
  ConsumerState,
  Handler,
} from './consume-types.ts';
import type { DeadLetterQueue } from './dead-letter-types.ts';
import type { Destination, Topic } from './destination.ts';
import type { DriverModule, ProvisionMode, ProvisionResult } from './driver-interface.ts';
import type { AnymqError } from './errors.ts';
import type { ClientEvent } from './events.ts';
import type { Inspection } from './inspection.ts';
import type { Logger } from './logger.ts';
import type { Producer, ProducerOptions } from './send-types.ts';

export interface Config {
  /** Name → URL, or the options of a driver. */
  readonly brokers: { readonly [name: string]: string | BrokerOptions };
  /** Destination → broker, or broker and an existing resource's own address. '*' is the default; may be left out where there is one broker. */
  readonly routes?: { readonly [destination: string]: string | { readonly broker: string; readonly address: string } };
  /** At most 16 characters, named as destinations are. 'anymq' by default. */
  readonly namespace?: string;
  /** 'create' by default; every creation is logged. */
  readonly provision?: ProvisionMode;
}
export interface BrokerOptions {
  readonly driver: string;
  readonly [option: string]: unknown;
}

export interface ClientOptions {
  /** The bundler-safe way to name adapters; otherwise they are resolved from the application. */
  readonly drivers?: readonly DriverModule[] | undefined;
  /** Silent by default. */
  readonly logger?: Logger | undefined;
  /** Called synchronously. One that throws is told to the logger. */
  readonly onEvent?: ((event: ClientEvent) => void) | undefined;
  /** Aborted: connecting gives up with ABORTED, and a connected client closes. */
  readonly signal?: AbortSignal | undefined;
  /** The system's by default. */
  readonly clock?: Clock | undefined;
  /** 0 (inclusive) to 1 (exclusive), for jitter; `Math.random` by default. */
  readonly random?: (() => number) | undefined;
  /** CloudEvents `source`. '/' + namespace by default. */
  readonly source?: string | undefined;
}

export interface Health {
  readonly ok: boolean;
  readonly brokers: readonly { readonly name: string; readonly ok: boolean; readonly error?: AnymqError | undefined }[];
  readonly consumers: readonly ConsumerHealth[];
  /** E.g. a partition that waits because too much of it is held. */
  readonly warnings: readonly string[];
}
export interface ConsumerHealth {
  readonly destination: string;
  readonly group?: string | undefined;
  readonly state: ConsumerState;
  readonly lastProgressAt: Date | null;
  readonly error?: AnymqError | undefined;
}

export interface Client<C extends Capabilities = Capabilities> extends AsyncDisposable {
  /** To be kept: each has a queue of its own and, on some brokers, a channel, until the client closes. @throws INVALID_OPTION, UNSUPPORTED, CLOSED */
  producer<In, Out>(to: Destination<In, Out>, options?: ProducerOptions): Producer<In, C>;
  /** @throws INVALID_OPTION, UNSUPPORTED, CLOSED */
  consumer<In, Out>(from: Destination<In, Out>, options: ConsumerOptions<C>, handler: Handler<Out>): Consumer;
  /** @throws INVALID_OPTION, UNSUPPORTED, CLOSED */
  batchConsumer<In, Out>(
    from: Destination<In, Out>,
    options: BatchConsumerOptions<C>,
    handler: BatchHandler<Out>,
  ): Consumer;
  run(consumer: ConsumerDefinition): Consumer;
  deadLetters(of: Destination, options?: { readonly group?: string }): DeadLetterQueue;
  inspect(what: Destination, options?: { readonly group?: string }): Promise<Inspection>;
  /** CONFLICT while members run; retries and dead letters are untouched. Needs the capability `history`. */
  seek(what: Topic, options: { readonly group: string; readonly to: 'earliest' | 'latest' | Date }): Promise<void>;
  /** 'validate' rejects nothing: it reports the differences. */
  provision(what: readonly Destination[], options?: { readonly mode?: ProvisionMode }): Promise<ProvisionResult>;
  /** Deletes a destination, or one group of it, with what is in it. */
  remove(what: readonly Destination[], options?: { readonly group?: string }): Promise<void>;
  physicalNames(what: Destination, options?: { readonly group?: string }): { readonly [role: string]: string };
  /** Never rejects. A consumer that has stopped or failed is told of until another of its destination and group is made. */
  check(): Promise<Health>;
  /**
   * Stops consumers, whose running handlers may still send; flushes producers; closes connections. Twice is safe: the
   * shorter deadline wins for consumers.
   */
  close(options?: { readonly deadlineMs?: number }): Promise<void>;
}
