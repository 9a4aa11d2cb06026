import type { Driver, DriverModule } from '@anymq/core';
import type { OutgoingMessage, SendOutcome } from '@anymq/core/driver';
import { memory } from '@anymq/memory';

/** Undefined: lost. */
type Change = (message: OutgoingMessage) => OutgoingMessage | undefined;

/** A broker that confirms every stock change, and stores what `change` makes of it. */
export function liar(change: Change): DriverModule {
  return { ...memory, create: async (options, context) => lie(await memory.create(options, context), change) };
}

function lie(driver: Driver, change: Change): Driver {
  const openSender: Driver['openSender'] = async (to, ...rest) => {
    const sender = await driver.openSender(to, ...rest);
    if (to.name !== 'stock-changes') return sender;
    return {
      async sendBatch(messages, options) {
        const outcomes = await sender.sendBatch(
          messages.flatMap((message) => change(message) ?? []),
          options,
        );
        return messages.map(({ id }, index): SendOutcome => outcomes[index] ?? { ok: true, receipt: { id } });
      },
      close: () => sender.close(),
    };
  };
  return new Proxy(driver, {
    get(target, name) {
      if (name === 'openSender') return openSender;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}
