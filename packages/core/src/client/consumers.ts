import type { Clock } from '../clock.ts';
import type {
  BatchConsumeHandler,
  BatchConsumerOptions,
  BatchHandler,
  ConsumeHandler,
  ConsumerOptions,
  Handler,
} from '../consume-types.ts';
import { createBatchRunner } from '../consume/batch-runner.ts';
import { readConsumerOptions, type ConsumerSettings } from '../consume/consumer-settings.ts';
import { ConsumerOf, type ManagedConsumer } from '../consume/consumer.ts';
import type { Dispatcher } from '../consume/dispatcher.ts';
import { createSingleRunner } from '../consume/single-runner.ts';
import type { Runner } from '../consume/runner.ts';
import { Transactor, type TransactorContext } from '../consume/transactor.ts';
import type { Destination } from '../destination.ts';
import type { Receiver } from '../driver-interface.ts';
import { invalidOption } from '../options.ts';
import type { Broker } from './broker.ts';
import { addressOf } from './check-destination.ts';
import { compose } from './compose.ts';
import type { Telemetry } from './telemetry.ts';

export interface ConsumerParts {
  readonly broker: Broker;
  readonly physical: string | undefined;
  readonly clock: Clock;
  readonly random: () => number;
  readonly telemetry: Telemetry;
  readonly prepare: TransactorContext['prepare'];
}

/** @throws INVALID_OPTION, UNSUPPORTED */
export function openConsumer(
  from: Destination,
  options: ConsumerOptions,
  handler: Handler<unknown>,
  parts: ConsumerParts,
): ManagedConsumer {
  const settings = readConsumerOptions(from, options, 'single', parts.broker.driver);
  requireHandler(handler);
  const use = options.use ?? [];
  const chain: Handler<unknown> =
    use.length === 0 ? handler : compose<ConsumeHandler>(use, async (body, delivery) => handler(body, delivery));
  return managed(settings, parts, (dispatcher, receiver) => {
    const transactor = settings.transaction
      ? new Transactor({ receiver, prepare: parts.prepare, wrap: (error) => parts.broker.wrap(error).error })
      : undefined;
    return createSingleRunner(dispatcher, chain, transactor);
  });
}

/** @throws INVALID_OPTION, UNSUPPORTED */
export function openBatchConsumer(
  from: Destination,
  options: BatchConsumerOptions,
  handler: BatchHandler<unknown>,
  parts: ConsumerParts,
): ManagedConsumer {
  const settings = readConsumerOptions(from, options, 'batch', parts.broker.driver);
  requireHandler(handler);
  if (settings.transaction || settings.acknowledgeBefore)
    throw invalidOption("transaction and acknowledge: 'before' are for consumers of single messages.");
  const chain = compose<BatchConsumeHandler>(options.use ?? [], handler);
  return managed(settings, parts, (dispatcher) => createBatchRunner(dispatcher, chain));
}

function managed(
  settings: ConsumerSettings,
  { broker, physical, clock, random, telemetry }: ConsumerParts,
  createRunner: (dispatcher: Dispatcher, receiver: Receiver) => Runner,
): ManagedConsumer {
  const { destination, group, startAt } = settings;
  return new ConsumerOf({
    settings,
    limits: broker.driver.limits,
    clock,
    random,
    createRunner,
    async openReceiver(options) {
      await broker.ensure(destination, physical, group === undefined ? undefined : { name: group, startAt });
      return broker.driver.openReceiver(addressOf(destination, physical, group), options);
    },
    wrap: (error) => broker.wrap(error),
    emit: (event) => telemetry.emit(event),
    onTrouble: (what, { code }) =>
      telemetry.logger.warn(`anymq: ${what} failed`, { destination: destination.name, group, code }),
  });
}

function requireHandler(handler: unknown): void {
  if (typeof handler !== 'function') throw invalidOption('The handler is a function of the body and its delivery.');
}
