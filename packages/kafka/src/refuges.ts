import type { Delivery } from './delivery.ts';
import type { Share } from './share.ts';

/** For each of these that shares its partition with something that still runs: a partition where nothing does. */
export function refugesOf(
  released: ReadonlySet<Delivery>,
  shares: Iterable<Share>,
  partitions: number,
): ReadonlyMap<Delivery, number> {
  const blocked = new Set<number>();
  for (const { partition, out } of shares)
    if ([...out].some((delivery) => !released.has(delivery))) blocked.add(partition);
  const free = Array.from({ length: partitions }, (_, index) => index).filter((each) => !blocked.has(each));
  const refuges = new Map<Delivery, number>();
  for (const delivery of released) {
    const refuge = free[refuges.size % free.length];
    if (refuge !== undefined && blocked.has(delivery.entry.log.partition)) refuges.set(delivery, refuge);
  }
  return refuges;
}
