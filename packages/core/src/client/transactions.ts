import type { Handler } from '../consume-types.ts';
import type { Dispatcher } from '../consume/dispatcher.ts';
import type { RunMode } from '../consume/single-runner.ts';
import { Transactor } from '../consume/transactor.ts';
import type { Destination } from '../destination.ts';
import type { Receiver } from '../driver-interface.ts';
import { checkMessage } from '../produce/check-message.ts';
import { buildMessage } from '../produce/build-message.ts';
import { wrapError } from '../wrap-error.ts';
import { addressOf } from './check-destination.ts';
import type { ClientCore } from './client-core.ts';

/** Of one consumer with `transaction: true`. */
export function createTransactions(
  core: ClientCore,
  from: Destination,
  receiver: Receiver,
  dispatcher: Dispatcher,
  handler: Handler<unknown>,
): RunMode {
  const { broker } = core.place(from);
  const transactor = new Transactor({
    receiver,
    wrap: (error) => wrapError(broker.driver, error).error,
    prepare(to, body, options) {
      const { broker: home, physical } = core.place(to);
      const context = { destination: to, driver: home.driver, source: core.source };
      return {
        to: addressOf(to, physical),
        message: buildMessage(context, body, options, new Date(core.clock.now()), checkMessage),
      };
    },
  });
  return {
    call: (job, body, delivery) => transactor.run(job, body, delivery, handler),
    end(job) {
      const isCommitted = transactor.committed(job);
      if (isCommitted) dispatcher.endSettled(job);
      return isCommitted;
    },
  };
}
