import type { Address, Receiver, ReceiverOptions } from '@anymq/core/driver';
import type { DriverContext } from './driver-context.ts';
import { OrderedReceiver } from './ordered-receiver.ts';
import { SharedReceiver } from './shared-receiver.ts';

/** Receives from a queue or a group of a topic, as one member of it. Resolves when the broker would deliver. @throws when a queue is not there */
export async function createReceiver(
  context: DriverContext,
  from: Address,
  options: ReceiverOptions,
): Promise<Receiver> {
  const receiver =
    from.ordering === 'key' ? new OrderedReceiver(context, from, options) : new SharedReceiver(context, from, options);
  try {
    await receiver.open();
    return receiver;
  } catch (error) {
    await receiver.close();
    throw error;
  }
}
