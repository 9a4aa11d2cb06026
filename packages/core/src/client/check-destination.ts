import type { Destination } from '../destination.ts';
import type { Address, Driver, PlannedDestination, PlannedGroup } from '../driver-interface.ts';
import { invalidOption } from '../options.ts';
import { requireCapability } from '../produce/require-capability.ts';

/** Everything that a destination's definition asks of its broker, before anything is sent. @throws UNSUPPORTED, INVALID_OPTION */
export function checkDestination(
  destination: Destination,
  driver: Pick<Driver, 'name' | 'capabilities' | 'limits'>,
): void {
  const { name, retentionMs, maxBytes = 0 } = destination;
  const { maxBodyBytes } = driver.limits;
  if (retentionMs !== undefined) requireCapability(driver, 'history', `retentionMs of '${name}'`);
  if (maxBytes > maxBodyBytes)
    throw invalidOption(`maxBytes of '${name}' is above what ${driver.name} takes: ${maxBodyBytes}.`);
  if (destination.kind === 'queue') return;
  for (const [group, { filter, startAt }] of destination.groups) {
    if (filter !== undefined) requireCapability(driver, 'brokerFilter', `filter of the group '${group}'`);
    if (startAt === 'earliest') requireCapability(driver, 'history', `startAt: 'earliest' of the group '${group}'`);
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
  const groups = new Map(group && [[group.name, group]]);
  if (destination.kind === 'topic') {
    for (const [name, { filter, startAt = groups.get(name)?.startAt ?? 'latest' }] of destination.groups)
      groups.set(name, { name, filter, startAt });
  }
  return { address: addressOf(destination, physical), groups: [...groups.values()] };
}
