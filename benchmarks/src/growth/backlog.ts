import { setTimeout as wait } from 'node:timers/promises';
import { defineQueue } from '@anymq/core';
import { ordersOf } from '../payload.ts';
import { open } from './opened.ts';
import { sendAll } from '../send-all.ts';

/** What a consumer held of its own while so many messages waited at the broker. */
export interface BrokerBacklog {
  readonly on: string;
  readonly backlog: number;
  /** Heap and array buffers after a full collection, beyond what they were before the consumer started; largest of the looks. */
  readonly consumerBytes: number;
  /** Messages whose handler had returned at the last look. */
  readonly handled: number;
}

const queue = defineQueue<unknown>('grow');
const handlerMs = 20;
const looks = 5;
const betweenLooksMs = 200;

/** A consumer of the usual concurrency with a slow handler, beside a backlog that another process's broker keeps. */
export async function measureBrokerBacklog(
  url: string,
  on: string,
  backlog: number,
  collect: () => void,
): Promise<BrokerBacklog> {
  const { client, close } = await open(url, [queue]);
  await sendAll(client.producer(queue), ordersOf(backlog));
  let handled = 0;
  const consumer = client.consumer(queue, {}, async () => {
    await wait(handlerMs);
    handled += 1;
  });
  const before = await look(collect);
  await consumer.start();
  let largest = 0;
  for (let index = 0; index < looks; index += 1) {
    await wait(betweenLooksMs);
    largest = Math.max(largest, (await look(collect)) - before);
  }
  const handledInTime = handled;
  await consumer.stop();
  await close();
  return { on, backlog, consumerBytes: Math.max(0, largest), handled: handledInTime };
}

/** Array buffers are freed by another thread, a little after their collection. */
async function look(collect: () => void): Promise<number> {
  collect();
  await wait(20);
  collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}
