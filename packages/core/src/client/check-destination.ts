import type { Destination } from '../destination.ts';
import type { Address, Driver, PlannedDestination, PlannedGroup } from '../driver-interface.ts';
import { invalidOption } from '../options.ts';
import { requireCapability } from '../produce/build-message.ts';

type About = Pick<Driver, 'name' | 'capabilities' | 'limits'>;

/** Everything that a destination's definition asks of its broker, before anything is sent. @throws UNSUPPORTED, INVALID_OPTION */
export function checkDestination(destination: Destination, driver: About): void {
  const context = { capabilities: driver.capabilities, driver: driver.name };
  const { name, retentionMs, maxBytes } = destination;
  if (retentionMs !== undefined)
    requireCapability(
      context,
      'history',
      `retentionMs of '${name}'`,
      'Leave it out, or route the destination to a broker with history.',
    );
  if (maxBytes !== undefined && maxBytes > driver.limits.maxBodyBytes) {
    throw invalidOption(
      `maxBytes of '${name}' is ${maxBytes}, and ${driver.name} takes bodies of at most ${driver.limits.maxBodyBytes} bytes.`,
    );
  }
  if (destination.kind === 'queue') return;
  for (const [group, { filter, startAt }] of destination.groups) {
    if (filter !== undefined)
      requireCapability(
        context,
        'brokerFilter',
        `filter of the group '${group}'`,
        'Return from the handler where the headers do not match.',
      );
    if (startAt === 'earliest')
      requireCapability(
        context,
        'history',
        `startAt: 'earliest' of the group '${group}'`,
        'Provision the group before the first send.',
      );
  }
}

export function addressOf(destination: Destination, physical: string | undefined, group?: string): Address {
  const { kind, name, ordering, partitions, retentionMs } = destination;
  return { kind, name, group, ordering, partitions, retentionMs, physical };
}

/** The destination with the groups that it names, and the one that is asked for. */
export function planOf(
  destination: Destination,
  physical: string | undefined,
  group?: PlannedGroup,
): PlannedDestination {
  const groups = new Map<string, PlannedGroup>();
  if (group !== undefined) groups.set(group.name, group);
  if (destination.kind === 'topic') {
    for (const [name, { filter, startAt = group?.name === name ? group.startAt : 'latest' }] of destination.groups)
      groups.set(name, { name, filter, startAt });
  }
  return { address: addressOf(destination, physical), groups: [...groups.values()] };
}
