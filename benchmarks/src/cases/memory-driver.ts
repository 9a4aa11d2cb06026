import type { OutgoingMessage } from '@anymq/core';
import type { Address, Receiver, Sender } from '@anymq/core/driver';
import { createMemoryDriver, type MemoryDriver } from '@anymq/memory';
import { type BenchCase, requireCount } from '../bench-case.ts';
import { outgoingMessages } from '../prepared-messages.ts';
import { queueName, type Setup } from '../setup.ts';

const perBatch = 1000;
const address: Address = { kind: 'queue', name: queueName, ordering: 'none', partitions: 8 };
const setup: Setup = { codec: 'bytes', variant: 'plain' };
const on = 'memory driver';

/** The memory broker without core, in batches of 1,000: its share of what the other cases show. */
export function memoryDriverCases(messages: number): readonly BenchCase[] {
  const prepared = outgoingMessages(setup, messages);
  return [sendBatchCase(prepared), receiveCase(prepared)];
}

function sendBatchCase(prepared: readonly OutgoingMessage[]): BenchCase {
  const { length: messages } = prepared;
  return {
    labels: { on, operation: 'sendBatch', ...setup },
    messages,
    async prepare() {
      const { driver, sender } = await openSender();
      return {
        run: () => sendAll(sender, prepared),
        async finish() {
          const { backlog } = await driver.inspect(address);
          await driver.close();
          requireCount('sendBatch', backlog.value, messages);
        },
      };
    },
  };
}

function receiveCase(prepared: readonly OutgoingMessage[]): BenchCase {
  const { length: messages } = prepared;
  return {
    labels: { on, operation: 'receive-settle', ...setup },
    messages,
    async prepare() {
      const { driver, sender } = await openSender();
      await sendAll(sender, prepared);
      const receiver = await driver.openReceiver(address, {
        maxInFlight: perBatch,
        maxBytes: Infinity,
        ordered: false,
        leaseMs: 30_000,
        onLost: () => undefined,
      });
      return {
        run: () => receiveAll(receiver, messages),
        async finish() {
          await receiver.close();
          await driver.close();
          requireCount('left in the queue', driver.broker.pending, 0);
        },
      };
    },
  };
}

async function openSender(): Promise<{ readonly driver: MemoryDriver; readonly sender: Sender }> {
  const driver = createMemoryDriver();
  await driver.provision({ destinations: [{ address, groups: [] }] }, 'create');
  return { driver, sender: await driver.openSender(address) };
}

async function sendAll(sender: Sender, messages: readonly OutgoingMessage[]): Promise<void> {
  const { signal } = new AbortController();
  for (let start = 0; start < messages.length; start += perBatch) {
    await sender.sendBatch(messages.slice(start, start + perBatch), { signal });
  }
}

async function receiveAll(receiver: Receiver, messages: number): Promise<void> {
  const { signal } = new AbortController();
  for (let left = messages; left > 0;) {
    const batch = await receiver.receive({ signal, maxMessages: perBatch, maxBytes: Infinity });
    await receiver.settleBatch(batch.map(({ token }) => ({ token, outcome: { kind: 'acknowledge' } })));
    left -= batch.length;
  }
}
