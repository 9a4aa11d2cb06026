import type { Address, Receiver, ReceiverOptions } from '@anymq/core/driver';
import type { DriverContext } from './driver-context.ts';
import { LaneReceiver } from './lane-receiver.ts';
import type { Membership } from './membership.ts';
import { ensureGroup } from './provisioning.ts';
import { SharedReceiver } from './shared-receiver.ts';

/** Receives from a queue or a group of a topic, as one member of it, over a connection of its own. */
export async function createReceiver(
  context: DriverContext,
  from: Address,
  options: ReceiverOptions,
): Promise<Receiver> {
  await ensureGroup(context, from, 'latest');
  const reader = await context.connection.openReader();
  const membership: Membership = {
    name: crypto.randomUUID(),
    reader,
    // What is there came after the group was deleted.
    ensureGroup: () => ensureGroup(context, from, 'earliest'),
  };
  try {
    return await (from.ordering === 'key' ? LaneReceiver : SharedReceiver).open(context, from, options, membership);
  } catch (error) {
    reader.close();
    throw error;
  }
}
