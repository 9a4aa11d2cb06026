import assert from 'node:assert/strict';
import { casesOf, type ConformanceCase } from '../conformance-case.ts';
import { breathe, jobs, ordered } from '../ingredients.ts';

export const stop: readonly ConformanceCase[] = casesOf('G12', [
  {
    name: 'stop waits for the running handlers and settles them',
    async run(context) {
      const member = await context.connect();
      const queue = context.queue('jobs');
      await context.sendJobs(member, queue, jobs(3));
      const working = context.gate();
      const consumer = await context.consume(member, queue, {}, () => working.opened);
      await context.until('all run', () => context.runs.length === 3);
      let stopped = false;
      const stopping = consumer.stop().then(() => (stopped = true));
      assert.equal(consumer.state, 'stopping');
      await breathe();
      assert.equal(stopped, false, 'stop did not wait');
      working.open();
      await stopping;
      assert.equal(consumer.state, 'stopped');
      assert.equal(context.handled().size, 3);
      assert.equal(context.runs.length, 3);
    },
  },
  {
    name: 'what was fetched and not started goes back at once: another consumer gets it while stop still waits',
    async run(context) {
      const queue = context.queue('jobs');
      const [first, second] = [await context.connect(), await context.connect()];
      await context.sendJobs(first, queue, jobs(20));
      const working = context.gate();
      const consumer = await context.consume(first, queue, { concurrency: 1 }, () => working.opened);
      await context.until('one runs', () => context.runs.length === 1);
      const stopping = consumer.stop();
      // The lease is 30 s, so only a release can bring them within this bound.
      await context.consume(second, queue, {});
      await context.untilHandled(19, 10_000);
      working.open();
      await stopping;
      await context.untilHandled(20);
      assert.equal(context.runs.length, 20);
      assert.ok(context.runs.every(({ attempt }) => attempt === 1));
    },
  },
  ...[false, true].map((isOrdered) => ({
    name: `at the deadline signals abort, and the messages go back uncharged and not dead-lettered${isOrdered ? ' (ordered)' : ''}`,
    async run(context: Parameters<ConformanceCase['run']>[0]) {
      const queue = context.queue('jobs', isOrdered ? ordered : {});
      const [first, second] = [await context.connect(), await context.connect()];
      await context.sendJobs(
        first,
        queue,
        jobs(3, (n) => ({ key: `key-${n}` })),
      );
      const consumer = await context.consume(first, queue, { retry: false }, async (_run, { signal }) => {
        await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
        throw new Error('gave up');
      });
      await context.until('all run', () => context.runs.length === 3);
      const before = Date.now();
      await consumer.stop({ deadlineMs: 200 });
      assert.ok(Date.now() - before < 200 + context.within(3000), 'stop took long');
      await context.consume(second, queue, { retry: false });
      await context.untilHandled(3, 10_000);
      assert.ok(context.runs.every(({ attempt }) => attempt === 1));
      assert.deepEqual(await context.letters(second, queue), []);
    },
  })),
  {
    name: 'a handler that ignores its signal does not hold up stop, and its late outcome changes nothing',
    async run(context) {
      const queue = context.queue('jobs');
      const [first, second] = [await context.connect(), await context.connect()];
      await context.send(first, queue, { n: 1 });
      const stubborn = context.gate();
      const consumer = await context.consume(first, queue, { retry: false }, async () => {
        await stubborn.opened;
        throw new Error('too late');
      });
      await context.until('it runs', () => context.runs.length === 1);
      const before = Date.now();
      await consumer.stop({ deadlineMs: 100 });
      assert.ok(Date.now() - before < 100 + context.within(3000), 'stop took long');
      await context.consume(second, queue, {});
      await context.untilHandled(1, 10_000);
      stubborn.open();
      await context.until('the stubborn one ended', () => context.runs[0]?.result === 'threw');
      assert.deepEqual(await context.letters(second, queue), []);
    },
  },
  {
    name: 'a stop with deadline 0 gives everything back at once',
    async run(context) {
      const queue = context.queue('jobs');
      const [first, second] = [await context.connect(), await context.connect()];
      await context.sendJobs(first, queue, jobs(10));
      const consumer = await context.consume(
        first,
        queue,
        { concurrency: 2 },
        (_run, { signal }) =>
          new Promise((resolve) => signal.addEventListener('abort', () => resolve(undefined), { once: true })),
      );
      await context.until('two run', () => context.runs.length === 2);
      await consumer.stop({ deadlineMs: 0 });
      await context.consume(second, queue, {});
      await context.until(
        'the other member handled the rest',
        () => context.runs.filter(({ member, result }) => member === second.name && result === 'returned').length >= 8,
        10_000,
      );
      await context.untilHandled(10, 10_000);
    },
  },
  {
    name: 'closing the client stops its consumers in the same way',
    async run(context) {
      const queue = context.queue('jobs');
      const [first, second] = [await context.connect(), await context.connect()];
      await context.sendJobs(first, queue, jobs(10));
      const working = context.gate();
      const consumer = await context.consume(first, queue, { concurrency: 2 }, () => working.opened);
      await context.until('two run', () => context.runs.length === 2);
      const closing = first.client.close();
      working.open();
      await closing;
      assert.equal(consumer.state, 'stopped');
      await context.consume(second, queue, {});
      await context.untilHandled(10, 10_000);
      assert.equal(context.runs.length, 10);
    },
  },
]);
