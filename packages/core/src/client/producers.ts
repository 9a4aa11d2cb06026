import type { Clock } from '../clock.ts';
import type { Destination } from '../destination.ts';
import { requireKnown, requireNumber } from '../options.ts';
import { Batcher } from '../produce/batcher.ts';
import { createProducer } from '../produce/producer.ts';
import type { Producer, ProducerOptions } from '../send-types.ts';
import type { Broker } from './broker.ts';
import { addressOf } from './check-destination.ts';
import { compose } from './compose.ts';
import type { Telemetry } from './telemetry.ts';

export interface ProducerParts {
  readonly broker: Broker;
  readonly physical: string | undefined;
  readonly clock: Clock;
  readonly random: () => number;
  readonly source: string;
  readonly telemetry: Telemetry;
  isClosed(): boolean;
}

/** A producer and what its client does with it at the end. */
export interface ManagedProducer {
  readonly producer: Producer<unknown>;
  flush(): Promise<void>;
  /** Rejects what is left with CLOSED. */
  close(): Promise<void>;
}

/** @throws INVALID_OPTION */
export function openProducer(to: Destination, options: ProducerOptions, parts: ProducerParts): ManagedProducer {
  const { broker, clock, random, source, telemetry } = parts;
  const { capabilities, limits, name } = broker.driver;
  requireKnown('producer', options, ['use', 'timeoutMs', 'lingerMs']);
  const timeoutMs = requireNumber('timeoutMs', options.timeoutMs ?? 30_000, { min: 1, max: 3_600_000 });
  const lingerMs = requireNumber('lingerMs', options.lingerMs ?? 0, { min: 0, max: 1000 });
  const use = options.use ?? [];
  const batcher = new Batcher({
    clock,
    random,
    limits,
    lingerMs,
    async openSender() {
      await broker.ensure(to, parts.physical);
      return broker.driver.openSender(addressOf(to, parts.physical));
    },
    wrap: (error, outcome) => broker.wrap(error, outcome),
    onRetry: (messages, { code }) => telemetry.emit({ type: 'send-retry', destination: to.name, messages, code }),
  });
  const producer = createProducer({
    message: { destination: to, capabilities, limits, driver: name, source },
    clock,
    timeoutMs,
    batcher,
    middleware: use.length === 0 ? undefined : (send) => compose(use, send),
    isClosed: () => parts.isClosed(),
    wrap: (error) => broker.wrap(error).error,
  });
  return { producer, flush: () => batcher.flush(), close: () => broker.call(() => batcher.close()) };
}
