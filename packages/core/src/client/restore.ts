import type { Destination } from '../destination.ts';
import type { PlannedGroup } from '../driver-interface.ts';
import type { Broker } from './broker.ts';

const restoring = new WeakMap<Broker, Map<string, Promise<void>>>();

/** After a destination was removed: it is made again at its next use. */
export function forget({ ready }: Broker, { name }: Destination): void {
  for (const key of ready.keys()) if (key.startsWith(`${name}/`)) ready.delete(key);
}

/** What was deleted under way is made again as `ensure` makes it. Never rejects: why it cannot be, its next use tells. */
export async function restore(
  broker: Broker,
  destination: Destination,
  physical: string | undefined,
  group: PlannedGroup | undefined,
): Promise<void> {
  const name = `${destination.name}/${group?.name ?? ''}`;
  const mine = restoring.get(broker) ?? new Map<string, Promise<void>>();
  restoring.set(broker, mine);
  if (!mine.has(name)) {
    forget(broker, destination);
    mine.set(name, broker.ensure(destination, physical, group));
  }
  await Promise.allSettled([mine.get(name)]);
  mine.delete(name);
}
