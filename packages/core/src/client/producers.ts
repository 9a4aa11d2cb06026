import type { Destination } from '../destination.ts';
import { readNumbers } from '../options.ts';
import { Batcher } from '../produce/batcher.ts';
import { createProducer } from '../produce/producer.ts';
import type { Producer, ProducerOptions } from '../send-types.ts';
import { addressOf } from './check-destination.ts';
import type { ClientCore } from './client-core.ts';
import { compose } from './compose.ts';

/** A producer and what its client does with it at the end. */
export interface ManagedProducer {
  readonly producer: Producer<unknown>;
  flush(): Promise<void>;
  /** Rejects what is left with CLOSED. */
  close(): Promise<void>;
}

const numbers = {
  timeoutMs: { standard: 30_000, min: 1, max: 3_600_000 },
  lingerMs: { standard: 0, min: 0, max: 1000 },
} as const;

/** @throws CLOSED, INVALID_OPTION, UNSUPPORTED */
export function openProducer(
  core: ClientCore,
  to: Destination,
  options: ProducerOptions,
  isClosed: () => boolean,
): ManagedProducer {
  const { broker, physical } = core.place(to);
  const { driver } = broker;
  const { clock, random, source, telemetry } = core;
  const { timeoutMs, lingerMs } = readNumbers('producer', options, numbers, ['use']);
  const { use = [] } = options;
  const batcher = new Batcher({
    clock,
    random,
    limits: driver.limits,
    lingerMs,
    async openSender() {
      await broker.ensure(to, physical);
      return driver.openSender(addressOf(to, physical));
    },
    async wrap(error, outcome) {
      const wrapped = await broker.wrap(error, outcome);
      if (wrapped.error.code === 'NOT_FOUND') await broker.restore(to, physical);
      return wrapped;
    },
    onRetry: (messages, { code }) => telemetry.emit({ type: 'send-retry', destination: to.name, messages, code }),
  });
  const producer = createProducer({
    message: { destination: to, driver, source },
    clock,
    timeoutMs,
    batcher,
    middleware: use.length === 0 ? undefined : (send) => compose(use, send),
    isClosed,
    wrap: async (error) => (await broker.wrap(error)).error,
  });
  return { producer, flush: () => batcher.flush(), close: () => broker.call(() => batcher.close()) };
}
