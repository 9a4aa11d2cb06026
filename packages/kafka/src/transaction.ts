import type { DriverTransaction } from '@anymq/core/driver';
import type { Delivery } from './delivery.ts';
import { KafkaDriverError } from './errors.ts';
import { namesOf } from './names.ts';
import type { Router } from './sender.ts';
import type { Transactions } from './transactions.ts';
import type { Write } from './writer.ts';

/** Collects what is sent: nothing reaches the broker before `commit`. @throws UNSUPPORTED for messages of several partitions */
export function createTransaction(
  namespace: string,
  router: Router,
  transactions: Transactions,
  deliveries: readonly Delivery[],
): DriverTransaction {
  if (new Set(deliveries.map(({ entry }) => entry.log.partition)).size !== 1)
    throw new KafkaDriverError('UNSUPPORTED', 'A transaction acknowledges messages of one partition.');
  const writes: Write[] = [];
  return {
    async send(to, messages) {
      writes.push(...(await router.route(namesOf(namespace, to).main, messages)));
    },
    commit: () => transactions.run(deliveries, writes),
    async abort() {
      writes.length = 0;
    },
  };
}
