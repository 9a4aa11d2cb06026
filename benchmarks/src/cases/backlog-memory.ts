import { setTimeout as wait } from 'node:timers/promises';
import { memoryTarget } from '../memory-target.ts';
import { queueOf, type Setup } from '../setup.ts';

export interface BacklogOptions {
  readonly backlog: number;
  readonly variant: 'plain' | 'ordered';
}

/** Bytes that are in use after a full collection. */
export interface MemoryUse {
  readonly heapUsed: number;
  readonly arrayBuffers: number;
}

export interface BacklogMemory extends BacklogOptions {
  /** The backlog is in the broker, and nobody consumes. */
  readonly before: MemoryUse;
  /** The largest of several looks while a slow handler consumes. */
  readonly during: MemoryUse;
  /** `during` − `before`: what the consumer holds. The broker's part, which has only shrunk, is in both. */
  readonly consumer: MemoryUse;
  /** Messages whose handler had returned at the last look. */
  readonly handled: number;
}

const handlerMs = 100;
const looks = 3;
const betweenLooksMs = 200;
/** Array buffers are freed by another thread, a little after their collection. */
const freeingMs = 50;

/** What a consumer with a slow handler holds of its own while a backlog waits in the memory broker. */
export async function measureBacklog(options: BacklogOptions, collect: () => void): Promise<BacklogMemory> {
  const setup: Setup = { codec: 'bytes', variant: options.variant };
  const queue = queueOf(setup);
  const target = await memoryTarget.open();
  await target.fill(queue, setup, options.backlog);
  let handled = 0;
  const consumer = target.client.consumer(queue, {}, async () => {
    await wait(handlerMs);
    handled += 1;
  });
  const before = await look(collect);
  await consumer.start();
  const seen: MemoryUse[] = [];
  for (let index = 0; index < looks; index += 1) {
    await wait(betweenLooksMs);
    seen.push(await look(collect));
  }
  const handledInTime = handled;
  await target.close();
  const during = largest(seen);
  return { ...options, before, during, consumer: difference(during, before), handled: handledInTime };
}

async function look(collect: () => void): Promise<MemoryUse> {
  collect();
  await wait(freeingMs);
  collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return { heapUsed, arrayBuffers };
}

function largest(seen: readonly MemoryUse[]): MemoryUse {
  return {
    heapUsed: Math.max(...seen.map(({ heapUsed }) => heapUsed)),
    arrayBuffers: Math.max(...seen.map(({ arrayBuffers }) => arrayBuffers)),
  };
}

function difference(after: MemoryUse, before: MemoryUse): MemoryUse {
  return { heapUsed: after.heapUsed - before.heapUsed, arrayBuffers: after.arrayBuffers - before.arrayBuffers };
}
