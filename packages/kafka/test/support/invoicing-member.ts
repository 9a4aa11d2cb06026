// A consumer with transactions in a process of its own: for each order it writes an invoice.
import { createClient, defineQueue, type Queue } from '@anymq/core';
import { createKafkaDriver } from '@anymq/kafka';

export interface InvoicingPlan {
  readonly broker: string;
  readonly namespace: string;
}

export const orders: Queue<{ readonly n: number }> = defineQueue('orders', { partitions: 2 });
export const invoices: Queue<{ readonly n: number }> = defineQueue('invoices', { partitions: 2 });

if (process.argv[2] !== undefined) await consume(JSON.parse(process.argv[2]) as InvoicingPlan);

async function consume({ broker, namespace }: InvoicingPlan): Promise<void> {
  const client = await createClient(await createKafkaDriver({ brokers: [broker], namespace }));
  const consumer = client.consumer(
    orders,
    { transaction: true, concurrency: 8, leaseMs: 6000, retry: { maxAttempts: 5, backoff: () => 100 } },
    async ({ n }, delivery) => {
      delivery.send?.(invoices, { n }, { id: `invoice-${n}` });
      process.send?.({ began: n });
      // Every tenth comes again as a copy, which is to be as exact.
      if (n % 10 === 0 && delivery.attempt === 1) throw new Error('once');
    },
  );
  process.on('message', () => void client.close().then(() => process.disconnect()));
  await consumer.start();
}
