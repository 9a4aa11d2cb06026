import assert from 'node:assert/strict';
import { assertInOrder } from '../assertions.ts';
import { casesOf, type ConformanceCase } from '../conformance-case.ts';
import { attempts, breathe, jobs, ordered } from '../ingredients.ts';

const keyed = (count: number, keys: number): ReturnType<typeof jobs> =>
  jobs(count, (n) => ({ key: `key-${n % keys}` }));

export const handover: readonly ConformanceCase[] = casesOf('G8', [
  {
    name: 'the order holds while a member joins and while one leaves',
    async run(context) {
      const queue = context.queue('jobs', ordered);
      const [first, second] = [await context.connect(), await context.connect()];
      await context.sendJobs(first, queue, keyed(200, 16));
      const leaving = await context.consume(first, queue, { concurrency: 8 }, breathe);
      await context.untilHandled(20);
      await context.consume(second, queue, { concurrency: 8 }, breathe);
      await context.untilHandled(100, 30_000);
      await leaving.stop();
      await context.untilHandled(200, 30_000);
      assertInOrder(context.runs);
    },
  },
  {
    name: 'while a member joins, a running handler of a key is waited for',
    async run(context) {
      const queue = context.queue('jobs', ordered);
      const [first, second] = [await context.connect(), await context.connect()];
      await context.sendJobs(first, queue, keyed(16, 8));
      const blocked = context.gate();
      await context.consume(first, queue, { concurrency: 8 }, () => blocked.opened);
      await context.until('a handler of every key runs', () => context.runs.length === 8);
      const joining = context.consume(second, queue, { concurrency: 8 });
      // Nothing tells that the other member will not start one of these keys: look at what it does for a while.
      await Promise.race([joining, context.pass(300)]);
      assert.equal(context.runs.length, 8, 'a second handler of a key started');
      blocked.open();
      await joining;
      await context.untilHandled(16, 30_000);
      assertInOrder(context.runs);
    },
  },
  {
    name: 'the order holds when a member crashes in the middle of its lanes',
    async run(context) {
      const queue = context.queue('jobs', ordered);
      const [first, second] = [await context.connect(), await context.connect()];
      await context.sendJobs(first, queue, keyed(60, 6));
      const options = { concurrency: 6, leaseMs: 1000 };
      await context.consume(first, queue, options, breathe);
      await context.untilHandled(20);
      await context.crash(first);
      await context.consume(second, queue, options, breathe);
      await context.untilHandled(60, 30_000);
      assertInOrder(context.runs);
    },
  },
  {
    name: 'a lane that waits for a retry is handed over with its place, and stop does not wait for it',
    async run(context) {
      const queue = context.queue('jobs', ordered);
      const [first, second] = [await context.connect(), await context.connect()];
      await context.sendJobs(
        first,
        queue,
        jobs(3, () => ({ key: 'a' })),
      );
      const leaving = await context.consume(first, queue, { retry: attempts(3, 3000) }, () => {
        throw new Error('fails');
      });
      await context.until('the retry was decided', () =>
        context.log.events.some(({ event }) => event.type === 'retry'),
      );
      const before = Date.now();
      await leaving.stop();
      assert.ok(Date.now() - before < 2500, 'stop waited for the retry');
      await context.consume(second, queue, { retry: attempts(3) });
      await context.untilHandled(3, 30_000);
      assertInOrder(context.runs);
    },
  },
  {
    name: 'past maxHeld the partition waits, says so, and goes on in order',
    async run(context) {
      const member = await context.connect();
      const queue = context.queue('jobs', { ...ordered, partitions: 1 });
      // Of one key a broker may hand out nothing before its first message is settled: several keys wait.
      const key = (n: number): string => `key-${n % 5}`;
      await context.sendJobs(
        member,
        queue,
        jobs(20, (n) => ({ key: key(n) })),
      );
      await context.consume(
        member,
        queue,
        { maxHeld: 3, concurrency: 2, retry: attempts(5, 800) },
        async ({ id, attempt }) => {
          if (Number(id) <= 5 && attempt < 3) throw new Error('fails');
        },
      );
      await context.until('it said that the partition waits', () =>
        context.log.events.some(({ event }) => event.type === 'partition-waits'),
      );
      const { warnings } = await member.client.check();
      assert.ok(warnings.length > 0, 'check() does not warn');
      await context.untilHandled(20, 30_000);
      assertInOrder(context.runs);
    },
  },
]);
