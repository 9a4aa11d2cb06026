import type { Address, Receiver, ReceiverOptions, Token } from '@anymq/core/driver';
import { isDelivery } from './delivery.ts';
import type { DriverContext } from './driver-context.ts';
import { LaneReceiver } from './lane-receiver.ts';
import type { Membership } from './membership.ts';
import { keysOf } from './keys.ts';
import { ensureGroup } from './provisioning.ts';
import { note } from './scripts/settling.ts';
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
  const receiving: ReceiverOptions = {
    ...options,
    onLost(tokens, reason) {
      outlive(context, from, tokens);
      options.onLost(tokens, reason);
    },
  };
  try {
    return await (from.ordering === 'key' ? LaneReceiver : SharedReceiver).open(context, from, receiving, membership);
  } catch (error) {
    reader.close();
    throw error;
  }
}

/** What is not ours any more, while this process lives: the starts that were marked were no deaths. */
function outlive({ connection, namespace, logger }: DriverContext, from: Address, tokens: readonly Token[]): void {
  const marked = tokens.filter(isDelivery).filter(({ isMarked }) => isMarked);
  if (marked.length === 0) return;
  connection
    .run(note, [keysOf(namespace, from).notes], ['u', ...marked.flatMap(({ name }) => [name, '1'])])
    .catch((error: unknown) =>
      logger.debug('The mark of a run was left behind.', { error: error instanceof Error ? error.name : typeof error }),
    );
}
