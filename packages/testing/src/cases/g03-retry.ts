import assert from 'node:assert/strict';
import { casesOf, type ConformanceCase } from '../conformance-case.ts';
import { attempts, fails, failsFirst, jobs, ordered } from '../ingredients.ts';

export const retry: readonly ConformanceCase[] = casesOf('G3', [
  {
    name: 'a message that always fails runs exactly maxAttempts times, then it is one dead letter',
    async run(context) {
      const member = await context.connect();
      const queue = context.queue('jobs');
      await context.send(member, queue, { n: 1 }, { id: 'bad' });
      await context.consume(member, queue, { retry: attempts(3) }, (run) =>
        run.id === 'bad' ? fails(run, run.delivery) : undefined,
      );
      const [letter] = await context.untilLetters(member, queue, 1);
      assert.equal(letter?.attempts, 3);
      await context.send(member, queue, { n: 2 }, { id: 'sentinel' });
      await context.untilHandled(1);
      assert.deepEqual(
        context.runsOf('bad').map(({ attempt }) => attempt),
        [1, 2, 3],
      );
      assert.equal((await context.letters(member, queue)).length, 1);
      context.leaves(queue, { deadLetters: 1 });
    },
  },
  {
    name: 'many that always fail: each runs maxAttempts times and is dead-lettered once',
    async run(context) {
      const member = await context.connect();
      const queue = context.queue('jobs');
      await context.sendJobs(member, queue, jobs(50));
      await context.consume(member, queue, { concurrency: 20, retry: attempts(3) }, fails);
      const letters = await context.untilLetters(member, queue, 50);
      assert.equal(new Set(letters.map(({ id }) => id)).size, 50);
      for (const { n } of jobs(50))
        assert.deepEqual(
          context.runsOf(String(n)).map(({ attempt }) => attempt),
          [1, 2, 3],
        );
      context.leaves(queue, { deadLetters: 50 });
    },
  },
  {
    name: 'retry: false allows one run',
    async run(context) {
      const member = await context.connect();
      const queue = context.queue('jobs');
      await context.sendJobs(member, queue, jobs(3));
      await context.consume(member, queue, { retry: false }, fails);
      const letters = await context.untilLetters(member, queue, 3);
      assert.ok(letters.every((letter) => letter.attempts === 1));
      assert.equal(context.runs.length, 3);
      context.leaves(queue, { deadLetters: 3 });
    },
  },
  {
    name: 'what succeeds at a later attempt is handled, and no dead letter',
    async run(context) {
      const member = await context.connect();
      const queue = context.queue('jobs');
      await context.sendJobs(member, queue, jobs(10));
      await context.consume(member, queue, { retry: attempts(3) }, failsFirst(2));
      await context.untilHandled(10);
      assert.ok(context.runs.every(({ attempt, result }) => (result === 'returned') === (attempt === 3)));
    },
  },
  {
    name: 'a failing message makes no other message run again',
    async run(context) {
      const member = await context.connect();
      const queue = context.queue('jobs');
      await context.sendJobs(member, queue, jobs(20));
      await context.consume(member, queue, { concurrency: 3, retry: attempts(4) }, (run) =>
        run.id === '5' ? fails(run, run.delivery) : undefined,
      );
      await context.untilHandled(19);
      await context.untilLetters(member, queue, 1);
      for (const { n } of jobs(20)) assert.equal(context.runsOf(String(n)).length, n === 5 ? 4 : 1, `runs of ${n}`);
      context.leaves(queue, { deadLetters: 1 });
    },
  },
  {
    name: 'a failure in one group is no matter of the others',
    async run(context) {
      const member = await context.connect();
      const topic = context.topic('news', { groups: ['weak', 'strong'] });
      await member.client.provision([topic]);
      const strong = await context.connect();
      await context.consume(member, topic, { group: 'weak', retry: attempts(3) }, fails);
      await context.consume(strong, topic, { group: 'strong' });
      await context.sendJobs(member, topic, jobs(5));
      const letters = await context.untilLetters(member, topic, 5, 'weak');
      assert.ok(letters.every(({ group }) => group === 'weak'));
      await context.untilHandled(5);
      assert.equal(context.runs.filter((run) => run.member === strong.name).length, 5);
      assert.deepEqual(await context.letters(strong, topic, 'strong'), []);
      context.leaves(topic, { deadLetters: 5 }, 'weak');
    },
  },
  {
    name: 'attempts go on counting when another process takes the next one',
    async run(context) {
      const queue = context.queue('jobs');
      const first = await context.connect();
      await context.send(first, queue, { n: 1 }, { id: 'bad' });
      await context.consume(first, queue, { retry: attempts(3, 300) }, fails);
      await context.until('the retry was decided', () =>
        context.log.events.some(({ event }) => event.type === 'retry'),
      );
      await first.client.close();
      const second = await context.connect();
      await context.consume(second, queue, { retry: attempts(3) }, fails);
      await context.untilLetters(second, queue, 1);
      assert.deepEqual(
        context.runsOf('bad').map(({ attempt }) => attempt),
        [1, 2, 3],
      );
      context.leaves(queue, { deadLetters: 1 });
    },
  },
  {
    name: 'an ordered destination counts attempts the same way',
    async run(context) {
      const member = await context.connect();
      const queue = context.queue('jobs', ordered);
      await context.sendJobs(
        member,
        queue,
        jobs(4, () => ({ key: 'a' })),
      );
      await context.consume(member, queue, { retry: attempts(3) }, (run) =>
        run.id === '2' ? fails(run, run.delivery) : undefined,
      );
      await context.untilHandled(3);
      const [letter] = await context.untilLetters(member, queue, 1);
      assert.equal(letter?.attempts, 3);
      assert.deepEqual(
        context.runsOf('2').map(({ attempt }) => attempt),
        [1, 2, 3],
      );
      context.leaves(queue, { deadLetters: 1 });
    },
  },
  {
    name: 'a policy sees attempt, elapsed time and error, and ends the attempts with null',
    async run(context) {
      const member = await context.connect();
      const queue = context.queue('jobs');
      const seen: { readonly attempt: number; readonly elapsedMs: number; readonly error: unknown }[] = [];
      await context.send(member, queue, { n: 1 });
      const retryPolicy = (asked: (typeof seen)[number]): number | null => {
        seen.push(asked);
        return asked.attempt < 2 ? 60 : null;
      };
      await context.consume(member, queue, { retry: retryPolicy }, fails);
      await context.untilLetters(member, queue, 1);
      assert.deepEqual(
        seen.map(({ attempt }) => attempt),
        [1, 2],
      );
      assert.ok(seen.every(({ error }) => error instanceof Error && error.message === 'the handler always fails'));
      assert.ok(
        seen[0] !== undefined && seen[0].elapsedMs < 1000 && (seen[1]?.elapsedMs ?? 0) >= 55,
        'elapsed since the first failure',
      );
      context.leaves(queue, { deadLetters: 1 });
    },
  },
]);
