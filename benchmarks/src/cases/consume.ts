import type { Client, Consumer, Queue } from '@anymq/core';
import { type BenchCase, requireCount } from '../bench-case.ts';
import { consumerOptionsOf, queueOf, type Setup } from '../setup.ts';
import type { TargetKind } from '../target.ts';

/** What the handlers have seen. */
interface Tally {
  messages: number;
}

type Options = ReturnType<typeof consumerOptionsOf>;
export type ConsumeOperation = 'consume-sync' | 'consume-async' | 'consume-batch';

type OpenConsumer = (client: Client, queue: Queue, options: Options, tally: Tally) => Consumer;

/** A batch that is not full waits so long: only the last one, so that its wait is not what is measured. */
const maxWaitMs = 5;

const consumers: Readonly<Record<ConsumeOperation, OpenConsumer>> = {
  'consume-sync': (client, queue, options, tally) =>
    client.consumer(queue, options, () => {
      tally.messages += 1;
    }),
  'consume-async': (client, queue, options, tally) =>
    client.consumer(queue, options, async () => {
      tally.messages += 1;
    }),
  'consume-batch': (client, queue, options, tally) =>
    client.batchConsumer(queue, { ...options, maxWaitMs }, async (deliveries) => {
      tally.messages += deliveries.length;
    }),
};

export interface ConsumeCase {
  readonly operation: ConsumeOperation;
  readonly setup: Setup;
  readonly messages: number;
  readonly aimMicroseconds?: number | undefined;
}

/** From the start of a consumer, with the default concurrency, until a full queue has been acknowledged to the last message. */
export function consumeCase(
  target: TargetKind,
  { operation, setup, messages, aimMicroseconds }: ConsumeCase,
): BenchCase {
  return {
    labels: { on: target.on, operation, ...setup },
    messages,
    aimMicroseconds,
    async prepare() {
      const opened = await target.open();
      const queue = queueOf(setup);
      await opened.fill(queue, setup, messages);
      const tally: Tally = { messages: 0 };
      const consumer = consumers[operation](opened.client, queue, consumerOptionsOf(setup), tally);
      return {
        async run() {
          await consumer.start();
          await opened.drained();
        },
        async finish() {
          await opened.close();
          requireCount(operation, tally.messages, messages);
        },
      };
    },
  };
}
