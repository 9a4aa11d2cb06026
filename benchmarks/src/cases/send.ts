import type { Producer } from '@anymq/core';
import { type BenchCase, requireCount } from '../bench-case.ts';
import { bodiesOf, payloadOf } from '../payload.ts';
import { queueOf, type Setup } from '../setup.ts';
import type { TargetKind } from '../target.ts';

export type SendOperation = 'send-awaited' | 'send-at-once' | 'sendMany';

type Send = (producer: Producer<unknown>, bodies: readonly unknown[]) => Promise<void>;

const atOnce = 10_000;
/** As many as one batch of most drivers holds, or a few batches. */
const perCall = 1000;

const sends: Readonly<Record<SendOperation, Send>> = {
  'send-awaited': async (producer, bodies) => {
    for (const body of bodies) await producer.send(body);
  },
  'send-at-once': async (producer, bodies) => {
    for (let start = 0; start < bodies.length; start += atOnce) {
      await Promise.all(bodies.slice(start, start + atOnce).map((body) => producer.send(body)));
    }
  },
  sendMany: async (producer, bodies) => {
    for (let start = 0; start < bodies.length; start += perCall) {
      await producer.sendMany(bodies.slice(start, start + perCall));
    }
  },
};

export interface SendCase {
  readonly operation: SendOperation;
  readonly setup: Setup;
  readonly messages: number;
  readonly aimMicroseconds?: number | undefined;
}

/** Sends to a queue that nobody reads, and holds the backlog against what was sent. */
export function sendCase(target: TargetKind, { operation, setup, messages, aimMicroseconds }: SendCase): BenchCase {
  return {
    labels: { on: target.on, operation, ...setup },
    messages,
    aimMicroseconds,
    async prepare() {
      const opened = await target.open();
      const queue = queueOf(setup);
      const producer = opened.client.producer(queue);
      const bodies = bodiesOf(payloadOf(setup.codec), messages);
      return {
        run: () => sends[operation](producer, bodies),
        async finish() {
          const { backlog } = await opened.client.inspect(queue);
          await opened.close();
          requireCount(operation, backlog.value, messages);
        },
      };
    },
  };
}
