import assert from 'node:assert/strict';
import type { Count } from '@anymq/core';
import { throwsWith } from '../assertions.ts';
import type { CaseContext } from '../case-context.ts';
import { casesOf, type ConformanceCase } from '../conformance-case.ts';
import { eventually } from '../eventually.ts';
import { collect, fails, jobs } from '../ingredients.ts';

export const letterList: readonly ConformanceCase[] = casesOf('G6', [
  {
    name: 'list is a look: oldest first, as often as wanted, and up to its limit',
    async run(context) {
      const member = await context.connect();
      const queue = context.queue('jobs');
      await context.consume(member, queue, { retry: false, concurrency: 1 }, fails);
      await context.sendJobs(member, queue, jobs(60));
      const early = (await context.untilLetters(member, queue, 60)).map(({ id }) => id);
      await context.sendJobs(member, queue, jobs(120).slice(60));
      const all = (await context.untilLetters(member, queue, 120)).map(({ id }) => id);
      // Letters that are written at the same time have no order; those of the first wave stay before those of the second.
      assert.deepEqual(all.slice(0, 60), early);
      assert.deepEqual(new Set(all), new Set(jobs(120).map(({ n }) => String(n))));
      const dead = member.client.deadLetters(queue);
      const some = (await collect(dead.list({ limit: 7 }))).map(({ id }) => id);
      assert.deepEqual(some, all.slice(0, 7));
      assert.equal((await context.letters(await context.connect(), queue)).length, 120);
      const { value, exact } = await dead.count();
      if (exact) assert.equal(value, 120);
      context.leaves(queue, { deadLetters: 120 });
    },
  },
  {
    name: 'leaving the list early leaves nothing behind, and a signal ends it',
    async run(context) {
      const member = await context.connect();
      const queue = context.queue('jobs');
      await context.consume(member, queue, { retry: false }, fails);
      await context.sendJobs(member, queue, jobs(20));
      await context.untilLetters(member, queue, 20);
      const dead = member.client.deadLetters(queue);
      for await (const { id } of dead.list()) if (id !== '') break;
      const controller = context.abortable();
      let seen = 0;
      try {
        for await (const letter of dead.list({ signal: controller.signal }))
          if (letter.id !== '' && ++seen === 3) controller.abort();
      } catch (error) {
        throwsWith(() => assert.fail(error as Error), 'ABORTED');
      }
      assert.ok(seen < 20, 'the signal did not end it');
      context.leaves(queue, { deadLetters: 20 });
    },
  },
  {
    name: 'a message that was dead-lettered twice is shown, redriven and purged as one',
    async run(context) {
      const member = await context.connect();
      const queue = context.queue('jobs');
      let broken = true;
      await context.consume(member, queue, { retry: false }, () => {
        if (broken) throw new Error('fails');
      });
      await context.send(member, queue, { n: 1 }, { id: 'twin' });
      await context.send(member, queue, { n: 1 }, { id: 'twin' });
      await context.send(member, queue, { n: 2 }, { id: 'other' });
      await context.untilLetters(member, queue, 2);
      await context.until(
        'the twins ran',
        () => context.runsOf('twin').length === (context.capabilities.deduplication ? 1 : 2),
      );
      assert.deepEqual((await context.untilLetters(member, queue, 2)).map(({ id }) => id).toSorted(), [
        'other',
        'twin',
      ]);
      broken = false;
      await member.client.deadLetters(queue).redrive();
      await context.untilHandled(2);
      assert.deepEqual(await context.letters(member, queue), []);
    },
  },
  {
    name: 'purge by ids, by a filter, by age, and of all',
    async run(context) {
      const member = await context.connect();
      const queue = context.queue('jobs');
      await context.consume(member, queue, { retry: false }, fails);
      await context.sendJobs(member, queue, jobs(10));
      await context.untilLetters(member, queue, 10);
      const dead = member.client.deadLetters(queue);
      assert.equal((await dead.purge({ ids: ['3', '4'] })).purged, 2);
      assert.equal((await dead.purge({ where: ({ id }) => id === '10' })).purged, 1);
      assert.equal((await dead.purge({ olderThanMs: 3_600_000 })).purged, 0);
      assert.equal((await context.letters(member, queue)).length, 7);
      assert.equal((await dead.purge()).purged, 7);
      assert.deepEqual(await context.letters(member, queue), []);
    },
  },
  { name: 'watch alerts when the count reaches the threshold, and again only after it was below', run: watches },
]);

async function watches(context: CaseContext): Promise<void> {
  const member = await context.connect();
  const queue = context.queue('jobs');
  await context.consume(member, queue, { retry: false }, fails);
  const dead = member.client.deadLetters(queue);
  const controller = context.abortable();
  const alerts: Count[] = [];
  dead.watch({ everyMs: 20, threshold: 2, signal: controller.signal }, (count) => {
    alerts.push(count);
    context.log.wake();
  });
  await context.sendJobs(member, queue, jobs(3));
  await context.until('it alerted', () => alerts.length === 1);
  assert.ok((alerts[0]?.value ?? 0) >= 2);
  await context.untilLetters(member, queue, 3);
  await dead.purge();
  // The watch has to see the low count before it may alert again: nothing tells when it has looked, so keep filling and emptying.
  await eventually(
    async () => {
      await dead.purge();
      await context.pass(60);
      await context.producer(member, queue).sendMany(jobs(3));
      await context.pass(100);
      return alerts.length >= 2 ? true : undefined;
    },
    context.within(),
    () => 'it did not alert a second time',
  );
  controller.abort();
  await dead.purge();
}
