import type {
  BatchConsumeHandler,
  BatchConsumerOptions,
  BatchHandler,
  ConsumeHandler,
  ConsumerOptions,
  Handler,
} from '../consume-types.ts';
import { readConsumerOptions } from '../consume/consumer-settings.ts';
import { ConsumerOf, type ConsumerContext, type ManagedConsumer } from '../consume/consumer.ts';
import { createSingleRunner } from '../consume/single-runner.ts';
import type { Destination } from '../destination.ts';
import { invalidOption } from '../options.ts';
import { addressOf } from './check-destination.ts';
import type { ClientCore } from './client-core.ts';
import { compose } from './compose.ts';

/** @throws CLOSED, INVALID_OPTION, UNSUPPORTED */
export function openConsumer(
  core: ClientCore,
  from: Destination,
  options: ConsumerOptions | BatchConsumerOptions,
  handler: Handler<unknown> | BatchHandler<unknown>,
  kind: 'single' | 'batch',
): ManagedConsumer {
  const { broker, physical } = core.place(from);
  const { clock, random, telemetry } = core;
  const settings = readConsumerOptions(from, options, kind, broker.driver);
  if (typeof handler !== 'function') throw invalidOption('The handler must be a function.');
  const { group, startAt } = settings;
  const own = group === undefined ? undefined : { name: group, startAt };
  return new ConsumerOf({
    settings,
    limits: broker.driver.limits,
    clock,
    random,
    loadRunner:
      kind === 'batch'
        ? batchRunner(options as BatchConsumerOptions, handler as BatchHandler<unknown>)
        : singleRunner(core, from, options as ConsumerOptions, handler as Handler<unknown>),
    async openReceiver(receiverOptions) {
      await broker.ensure(from, physical, own);
      return broker.driver.openReceiver(addressOf(from, physical, group), receiverOptions);
    },
    wrap: (error) => broker.wrap(error),
    emit: (event) => telemetry.emit(event),
    onTrouble(what, { code }) {
      // Of its dead letters, perhaps: what receives would find out itself.
      if (code === 'NOT_FOUND') void broker.restore(from, physical, own);
      telemetry.logger.warn(`anymq: ${what} failed`, { destination: from.name, group, code });
    },
  });
}

function singleRunner(
  core: ClientCore,
  from: Destination,
  { use = [], transaction, acknowledge }: ConsumerOptions,
  handler: Handler<unknown>,
): ConsumerContext['loadRunner'] {
  const chain: Handler<unknown> =
    use.length === 0 ? handler : compose<ConsumeHandler>(use, async (body, delivery) => handler(body, delivery));
  return async () => {
    const first = acknowledge === 'before' ? await import('../consume/acknowledge-first.ts') : undefined;
    const transactions = transaction ? await import('./transactions.ts') : undefined;
    return (dispatcher, receiver) => {
      const inTransaction = transactions?.createTransactions(core, from, receiver, dispatcher, chain);
      return createSingleRunner(dispatcher, chain, first?.createAcknowledgeFirst(dispatcher) ?? inTransaction);
    };
  };
}

function batchRunner(
  { use = [] }: BatchConsumerOptions,
  handler: BatchHandler<unknown>,
): ConsumerContext['loadRunner'] {
  const chain = compose<BatchConsumeHandler>(use, handler);
  return async () => {
    const { createBatchRunner } = await import('../consume/batch-runner.ts');
    return (dispatcher) => createBatchRunner(dispatcher, chain);
  };
}
