import assert from 'node:assert/strict';
import type { DeadLetterQueue, Queue, RedriveResult } from '@anymq/core';
import type { CaseContext, Job } from '../case-context.ts';
import { casesOf, type ConformanceCase } from '../conformance-case.ts';
import { fails, jobs } from '../ingredients.ts';
import type { Member } from '../member.ts';

interface Failed {
  readonly member: Member;
  readonly queue: Queue<Job>;
  readonly dead: DeadLetterQueue;
}

/** So many dead letters with the ids 1 to `count`, and a handler that works from now on. */
async function deadLetters(context: CaseContext, count: number): Promise<Failed> {
  const member = await context.connect();
  const queue = context.queue('jobs');
  await context.sendJobs(member, queue, jobs(count));
  const failing = await context.consume(member, queue, { retry: false, concurrency: 20 }, fails);
  await context.untilLetters(member, queue, count);
  await failing.stop();
  await context.consume(member, queue, {});
  return { member, queue, dead: member.client.deadLetters(queue) };
}

function handledNumbers(context: CaseContext): readonly number[] {
  return [...context.handled()].map(Number).toSorted((a, b) => a - b);
}

export const redrive: readonly ConformanceCase[] = casesOf('G6', [
  {
    name: 'redrive with a filter, with ids and with a limit takes those alone',
    async run(context) {
      const { dead } = await deadLetters(context, 10);
      assert.deepEqual(await dead.redrive({ where: ({ id }) => Number(id) <= 2 }), {
        redriven: 2,
        skipped: 8,
        failed: 0,
      });
      await context.untilHandled(2);
      assert.deepEqual(await dead.redrive({ ids: ['5', '7', 'no such letter'] }), {
        redriven: 2,
        skipped: 6,
        failed: 0,
      });
      await context.untilHandled(4);
      assert.deepEqual(handledNumbers(context), [1, 2, 5, 7]);
      assert.equal((await dead.redrive({ limit: 3 })).redriven, 3);
      await context.untilHandled(7);
      assert.equal((await dead.redrive()).redriven, 3);
      await context.untilHandled(10);
    },
  },
  {
    name: 'a dry run counts and moves nothing',
    async run(context) {
      const { member, queue, dead } = await deadLetters(context, 4);
      assert.deepEqual(await dead.redrive({ dryRun: true, where: ({ id }) => id !== '1' }), {
        redriven: 3,
        skipped: 1,
        failed: 0,
      });
      assert.equal((await context.letters(member, queue)).length, 4);
      assert.equal((await dead.redrive()).redriven, 4);
      await context.untilHandled(4);
    },
  },
  {
    name: 'redrive keeps to the rate that was asked for, and reports its progress',
    async run(context) {
      const { dead } = await deadLetters(context, 10);
      const progress: RedriveResult[] = [];
      const before = Date.now();
      const done = await dead.redrive({ ratePerSecond: 20, onProgress: (now) => void progress.push(now) });
      // Ten at 20 a second: the first may go at once, the last not before 9/20 s (less a timer's rounding).
      assert.ok(Date.now() - before >= 400, `took ${Date.now() - before} ms`);
      assert.deepEqual(done, { redriven: 10, skipped: 0, failed: 0 });
      assert.deepEqual(progress.at(-1), done);
      assert.ok(progress.every((now, index) => now.redriven >= (progress[index - 1]?.redriven ?? 0)));
      await context.untilHandled(10);
    },
  },
  {
    name: 'a signal ends a redrive early: it resolves with what was done, and the rest is still there',
    async run(context) {
      const { member, queue, dead } = await deadLetters(context, 10);
      const controller = context.abortable();
      const done = await dead.redrive({
        ratePerSecond: 20,
        signal: controller.signal,
        onProgress: () => controller.abort(),
      });
      assert.ok(done.redriven >= 1 && done.redriven < 10, `${done.redriven} redriven`);
      assert.equal((await context.letters(member, queue)).length, 10 - done.redriven);
      await dead.redrive();
      await context.untilHandled(10);
    },
  },
  {
    name: 'redrive takes at most the letters that were there at its start',
    async run(context) {
      const member = await context.connect();
      const queue = context.queue('jobs');
      await context.sendJobs(member, queue, jobs(5));
      await context.consume(member, queue, { retry: false }, fails);
      await context.untilLetters(member, queue, 5);
      const done = await member.client.deadLetters(queue).redrive({ ratePerSecond: 50 });
      assert.equal(done.redriven, 5);
      await context.until('each ran twice', () => context.runs.length === 10);
      await context.untilLetters(member, queue, 5);
      context.leaves(queue, { deadLetters: 5 });
    },
  },
  {
    name: 'redrive loses nothing when its process dies in the middle',
    async run(context) {
      const { queue } = await deadLetters(context, 10);
      const dying = await context.connect();
      const redriving = dying.client
        .deadLetters(queue)
        .redrive({ ratePerSecond: 20, onProgress: () => void context.crash(dying) });
      await Promise.race([redriving.catch(() => undefined), context.until('it died', () => dying.crashed)]);
      await context.until('one came back', () => context.handled().size >= 1);
      const other = await context.connect();
      await other.client.deadLetters(queue).redrive();
      await context.untilHandled(10);
    },
  },
]);
