import { setTimeout as wait } from 'node:timers/promises';
import { bytes, defineQueue, defineTopic, type Queue } from '@anymq/core';
import { type BenchCase, requireCount } from '../bench-case.ts';
import { ordersOf } from '../payload.ts';
import { consumeAll, Countdown, open } from './opened.ts';
import { sendAll } from '../send-all.ts';

/** One point of a curve: what is measured at so much of something. */
interface Point {
  readonly axis: string;
  readonly x: number;
  readonly on: string;
  readonly curve: string;
  readonly messages: number;
}

export function labelsOf({ axis, x, on, curve }: Point): BenchCase['labels'] {
  return { on, operation: axis, codec: String(x), variant: curve };
}

/** Sending and consuming bodies of so many bytes. */
export function sizeCases(url: string, point: Omit<Point, 'axis' | 'curve'>): readonly BenchCase[] {
  const { x, messages } = point;
  const queue = defineQueue<Uint8Array>('grow', { codec: bytes });
  const bodies = Array.from({ length: messages }, () => new Uint8Array(x).fill(120));
  const send: BenchCase = {
    labels: labelsOf({ ...point, axis: 'size', curve: 'sendMany' }),
    messages,
    async prepare() {
      const { client, close } = await open(url, [queue]);
      return { run: () => sendAll(client.producer(queue), bodies), finish: close };
    },
  };
  return [send, consumeCase(url, { ...point, axis: 'size', curve: 'consume' }, { queue, bodies })];
}

/** Handlers that wait a millisecond, so many of them at once. */
export function concurrencyCase(url: string, point: Omit<Point, 'axis' | 'curve'>): BenchCase {
  const queue = defineQueue<unknown>('grow');
  const handler = async (): Promise<void> => {
    await wait(1);
  };
  const full = { ...point, axis: 'concurrency', curve: '1 ms handlers' };
  return consumeCase(url, full, { queue, bodies: ordersOf(point.messages), concurrency: point.x, handler });
}

/** An ordered queue, with so many different keys. */
export function keysCase(url: string, point: Omit<Point, 'axis' | 'curve'>): BenchCase {
  const bodies = Array.from({ length: point.messages }, (_, index) => ({ key: `k${index % point.x}` }));
  const queue = defineQueue<{ readonly key: string }>('grow', { key: ({ key }) => key, ordering: 'key' });
  return consumeCase(url, { ...point, axis: 'keys', curve: 'consume' }, { queue, bodies, concurrency: 100 });
}

interface Work<Body> {
  readonly queue: Queue<Body, Body>;
  readonly bodies: readonly Body[];
  readonly concurrency?: number;
  readonly handler?: () => Promise<void>;
}

function consumeCase<Body>(url: string, point: Point, work: Work<Body>): BenchCase {
  const { queue, bodies, concurrency = 500, handler } = work;
  return {
    labels: labelsOf(point),
    messages: bodies.length,
    async prepare() {
      const { client, close } = await open(url, [queue]);
      await sendAll(client.producer(queue), bodies);
      const countdown = new Countdown(bodies.length);
      const consumer = client.consumer(queue, { concurrency }, async () => {
        await handler?.();
        countdown.count();
      });
      return {
        run: () => consumeAll([consumer], countdown),
        async finish() {
          const { backlog } = await client.inspect(queue);
          await close();
          requireCount(`${point.axis} ${point.x}: left in the queue`, backlog.value, 0);
          requireCount(`${point.axis} ${point.x}: not handled`, countdown.left, 0);
        },
      };
    },
  };
}

/** A topic that so many groups follow; what counts is a delivery. */
export function groupsCase(url: string, point: Omit<Point, 'axis' | 'curve'>): BenchCase {
  const groups = Array.from({ length: point.x }, (_, index) => `g${index}`);
  const topic = defineTopic<unknown>('grow', { groups });
  const perGroup = Math.ceil(point.messages / point.x);
  const deliveries = perGroup * point.x;
  return {
    labels: labelsOf({ ...point, axis: 'groups', curve: 'consume' }),
    messages: deliveries,
    async prepare() {
      const { client, close } = await open(url, [topic]);
      await sendAll(client.producer(topic), ordersOf(perGroup));
      const countdown = new Countdown(deliveries);
      const consumers = groups.map((group) =>
        client.consumer(topic, { group, concurrency: 100 }, async () => countdown.count()),
      );
      return {
        run: () => consumeAll(consumers, countdown),
        async finish() {
          await close();
          requireCount(`groups ${point.x}: not handled`, countdown.left, 0);
        },
      };
    },
  };
}
