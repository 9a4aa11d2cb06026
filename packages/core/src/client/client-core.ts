import type { ClientOptions } from '../client-types.ts';
import type { Clock } from '../clock.ts';
import type { ManagedConsumer } from '../consume/consumer.ts';
import type { Destination } from '../destination.ts';
import type { Broker } from './broker.ts';
import type { Telemetry } from './telemetry.ts';

/** Where a destination lives. */
export interface Place {
  readonly broker: Broker;
  /** An existing resource's own address. */
  readonly physical: string | undefined;
}

/** What `connect` and `createClient` make a client of. */
export interface ClientParts {
  readonly brokers: readonly Broker[];
  /** @throws INVALID_OPTION */
  route(destination: string): Place;
  readonly namespace: string;
  readonly telemetry: Telemetry;
  readonly options: ClientOptions;
}

/** What the parts of a client share. */
export interface ClientCore extends ClientParts {
  readonly clock: Clock;
  readonly random: () => number;
  readonly source: string;
  readonly consumers: Set<ManagedConsumer>;
  /** @throws CLOSED, INVALID_OPTION, UNSUPPORTED */
  place(destination: Destination): Place;
}
