import { Transactor } from '../consume/transactor.ts';
import type { Destination } from '../destination.ts';
import type { Receiver } from '../driver-interface.ts';
import { checkMessage } from '../produce/check-message.ts';
import { buildMessage } from '../produce/build-message.ts';
import { wrapError } from '../wrap-error.ts';
import { addressOf } from './check-destination.ts';
import type { ClientCore } from './client-core.ts';

/** Of one consumer with `transaction: true`. */
export function createTransactor(core: ClientCore, from: Destination, receiver: Receiver): Transactor {
  const { broker } = core.place(from);
  return new Transactor({
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
}
