import assert from 'node:assert/strict';
import { reject, release, retryLater, type BatchDelivery, type BatchHandler } from '@anymq/core';
import type { CaseContext, Job } from '../case-context.ts';
import { casesOf, type ConformanceCase } from '../conformance-case.ts';
import { attempts, jobs, ordered } from '../ingredients.ts';

interface SeenBatch {
  readonly ids: readonly string[];
  readonly attempts: readonly number[];
}

/** Notes each batch, then does what it is told. */
function noting(
  context: CaseContext,
  seen: SeenBatch[],
  behave: BatchHandler<Job> = () => Promise.resolve(),
): (batch: readonly BatchDelivery<Job>[]) => ReturnType<BatchHandler<Job>> {
  return async (batch) => {
    seen.push({ ids: batch.map(({ message }) => message.id), attempts: batch.map(({ attempt }) => attempt) });
    const outcomes = await behave(batch, { signal: new AbortController().signal });
    context.log.wake();
    return outcomes;
  };
}

const allOf = (seen: readonly SeenBatch[]): readonly string[] => seen.flatMap(({ ids }) => ids);

export const batches: readonly ConformanceCase[] = casesOf('batch', [
  {
    name: 'batches hold at most maxMessages, one batch at a time, and every message is handled once',
    async run(context) {
      const member = await context.connect();
      const queue = context.queue('jobs');
      await context.sendJobs(member, queue, jobs(95));
      const seen: SeenBatch[] = [];
      let [now, most] = [0, 0];
      await context.consumeBatches(
        member,
        queue,
        { maxMessages: 10, maxWaitMs: 20 },
        noting(context, seen, async () => {
          most = Math.max(most, ++now);
          await context.pass(1);
          now--;
        }),
      );
      await context.until('all were handled', () => allOf(seen).length >= 95);
      await context.emptied(member, queue);
      assert.equal(most, 1);
      assert.ok(seen.every(({ ids }) => ids.length >= 1 && ids.length <= 10));
      assert.equal(new Set(allOf(seen)).size, 95);
      assert.equal(allOf(seen).length, 95);
    },
  },
  {
    name: 'a batch that is not full starts after maxWaitMs',
    async run(context) {
      const member = await context.connect();
      const queue = context.queue('jobs');
      const seen: SeenBatch[] = [];
      await context.consumeBatches(member, queue, { maxMessages: 1000, maxWaitMs: 50 }, noting(context, seen));
      await context.sendJobs(member, queue, jobs(3));
      await context.until('all were handled', () => allOf(seen).length === 3);
    },
  },
  {
    name: 'outcomes are for each message by itself',
    async run(context) {
      const member = await context.connect();
      const queue = context.queue('jobs');
      await context.sendJobs(member, queue, jobs(4));
      const seen: SeenBatch[] = [];
      const decide = ({ message, attempt }: BatchDelivery<Job>): ReturnType<typeof reject> | undefined => {
        if (message.id === '1') return reject('unwanted');
        if (message.id === '2' && attempt === 1) return retryLater(0);
        if (message.id === '3' && allOf(seen).filter((id) => id === '3').length === 1) return release({ delayMs: 0 });
        return undefined;
      };
      await context.consumeBatches(
        member,
        queue,
        { maxMessages: 4, maxWaitMs: 50, retry: attempts(3) },
        noting(context, seen, async (batch) => batch.map(decide)),
      );
      await context.until('2 and 3 came again', () => allOf(seen).length === 6);
      assert.deepEqual(allOf(seen).toSorted(), ['1', '2', '2', '3', '3', '4']);
      const attemptsOf = (wanted: string): readonly number[] =>
        seen.flatMap(({ ids, attempts }) => attempts.filter((_, index) => ids[index] === wanted));
      assert.deepEqual(
        [attemptsOf('2'), attemptsOf('3')],
        [
          [1, 2],
          [1, 1],
        ],
      );
      const [letter] = await context.untilLetters(member, queue, 1);
      assert.ok(letter?.id === '1' && letter.reason.message === 'unwanted');
      context.leaves(queue, { deadLetters: 1 });
    },
  },
  {
    name: 'a batch that throws charges nobody: its members run again one by one, each for itself',
    async run(context) {
      const member = await context.connect();
      const queue = context.queue('jobs');
      await context.sendJobs(member, queue, jobs(5));
      const seen: SeenBatch[] = [];
      await context.consumeBatches(
        member,
        queue,
        { maxMessages: 5, maxWaitMs: 200, retry: attempts(2) },
        noting(context, seen, async (batch) => {
          if (batch.some(({ message }) => message.id === '3')) throw new Error('one of them is bad');
        }),
      );
      const letters = await context.untilLetters(member, queue, 1);
      assert.deepEqual(
        letters.map(({ id, attempts: runs }) => [id, runs]),
        [['3', 2]],
      );
      const innocent = seen.flatMap(({ ids, attempts: counts }) => counts.filter((_, index) => ids[index] !== '3'));
      assert.ok(
        innocent.every((attempt) => attempt === 1),
        'an innocent member was charged',
      );
      assert.ok(
        seen
          .filter(({ ids }) => ids.includes('3'))
          .slice(1)
          .every(({ ids }) => ids.length === 1),
        'the bad one was run with others again',
      );
      context.leaves(queue, { deadLetters: 1 });
    },
  },
  {
    name: 'a batch keeps the order of each key',
    async run(context) {
      const member = await context.connect();
      const queue = context.queue('jobs', ordered);
      await context.sendJobs(
        member,
        queue,
        jobs(60, (n) => ({ key: `key-${n % 3}` })),
      );
      const seen: Job[] = [];
      await context.consumeBatches(member, queue, { maxMessages: 7, maxWaitMs: 10, concurrency: 3 }, async (batch) => {
        seen.push(...batch.map(({ body }) => body));
        await context.pass(1);
        context.log.wake();
      });
      await context.until('all were handled', () => seen.length === 60);
      for (const key of ['key-0', 'key-1', 'key-2']) {
        const ofKey = seen.filter((job) => job.key === key).map(({ n }) => n);
        assert.deepEqual(
          ofKey,
          ofKey.toSorted((a, b) => a - b),
        );
      }
    },
  },
  {
    name: 'at the deadline of stop the signal of a batch aborts, and its messages go back uncharged',
    async run(context) {
      const [first, second] = [await context.connect(), await context.connect()];
      const queue = context.queue('jobs');
      await context.sendJobs(first, queue, jobs(3));
      let running = false;
      const consumer = first.client.batchConsumer(
        queue,
        { maxMessages: 3, maxWaitMs: 50, retry: false },
        async (_batch, { signal }) => {
          running = true;
          context.log.wake();
          await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
          throw new Error('gave up');
        },
      );
      await consumer.start();
      await context.until('it runs', () => running);
      await consumer.stop({ deadlineMs: 100 });
      await context.consume(second, queue, { retry: false });
      await context.untilHandled(3, 10_000);
      assert.ok(context.runs.every(({ attempt }) => attempt === 1));
      assert.deepEqual(await context.letters(second, queue), []);
    },
  },
]);
