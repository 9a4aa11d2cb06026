import assert from 'node:assert/strict';
import { timeout } from '@anymq/core';
import { mostAtOnce } from '../assertions.ts';
import { casesOf, type ConformanceCase } from '../conformance-case.ts';
import { attempts, breathe, jobs, ordered } from '../ingredients.ts';
import type { Gate } from '../gate.ts';

export const concurrency: readonly ConformanceCase[] = casesOf('G9', [
  {
    name: 'never more than `concurrency` handlers run at once, and as many do',
    async run(context) {
      const member = await context.connect();
      const queue = context.queue('jobs');
      await context.sendJobs(member, queue, jobs(40));
      const gates = new Map<string, Gate>();
      await context.consume(member, queue, { concurrency: 4 }, ({ id }) => {
        const gate = context.gate();
        gates.set(id, gate);
        return gate.opened;
      });
      for (let done = 0; done < 40; done++) {
        await context.until('the slots are taken', () => context.runs.length === Math.min(40, done + 4));
        const oldest = context.runs.find(({ result }) => result === 'running') ?? assert.fail('none runs');
        gates.get(oldest.id)?.open();
        await context.until('it ended', () => oldest.result === 'returned');
      }
      assert.equal(mostAtOnce(context.runs), 4);
    },
  },
  {
    name: 'a slow message holds up no other, across batches',
    async run(context) {
      const member = await context.connect();
      const queue = context.queue('jobs');
      await context.sendJobs(member, queue, jobs(150));
      const slow = context.gate();
      await context.consume(member, queue, { concurrency: 3 }, ({ id }) => (id === '1' ? slow.opened : undefined));
      await context.untilHandled(149);
      assert.ok(!context.handled().has('1'));
      slow.open();
      await context.untilHandled(150);
    },
  },
  {
    name: 'retries and redeliveries count towards the concurrency as well',
    async run(context) {
      const member = await context.connect();
      const queue = context.queue('jobs');
      await context.sendJobs(member, queue, jobs(30));
      await context.consume(member, queue, { concurrency: 2, retry: attempts(3) }, async ({ attempt }) => {
        await breathe();
        if (attempt < 3) throw new Error('fails');
      });
      await context.untilHandled(30);
      assert.ok(mostAtOnce(context.runs) <= 2);
    },
  },
  {
    name: 'every consumer of a client has its own concurrency',
    async run(context) {
      const member = await context.connect();
      const [first, second] = [context.queue('first'), context.queue('second')];
      await context.sendJobs(member, first, jobs(5));
      await context.sendJobs(member, second, jobs(5));
      const blocked = context.gate();
      await context.consume(member, first, { concurrency: 1 }, () => blocked.opened);
      await context.consume(member, second, { concurrency: 2 }, () => blocked.opened);
      await context.until('three run', () => context.runs.length === 3);
      blocked.open();
      await context.until(
        'all were handled',
        () => context.runs.filter(({ result }) => result === 'returned').length === 10,
      );
    },
  },
  ...[false, true].map((isOrdered) => ({
    name: `a handler that ignores its time limit keeps its ${isOrdered ? 'lane' : 'slot'} until it has returned`,
    async run(context: Parameters<ConformanceCase['run']>[0]) {
      const member = await context.connect();
      const queue = context.queue('jobs', isOrdered ? ordered : {});
      await context.sendJobs(
        member,
        queue,
        jobs(2, () => ({ key: 'a' })),
      );
      const stubborn = context.gate();
      const aborted = context.gate();
      const options = { concurrency: isOrdered ? 5 : 1, retry: attempts(2, 100), use: [timeout({ afterMs: 100 })] };
      const first = { id: '' };
      await context.consume(member, queue, options, async (run, delivery) => {
        if (first.id !== '' && (run.id !== first.id || run.attempt > 1)) return;
        first.id = run.id;
        delivery.signal.addEventListener('abort', () => aborted.open(), { once: true });
        await stubborn.opened;
      });
      await aborted.opened;
      // Nothing tells that the slot is not given away: look for longer than a retry would take to come.
      await context.pass(250);
      assert.equal(context.runs.length, 1);
      stubborn.open();
      // The one that was timed out comes again: a broker that cannot count what is delayed looks empty before.
      await context.until('both were handled, one of them twice', () => context.runs.length === 3);
      await context.untilHandled(2);
      await context.emptied(member, queue);
      assert.equal(mostAtOnce(context.runs), 1);
    },
  })),
  {
    name: 'pause starts no further handler while those that run go on; resume continues',
    async run(context) {
      const topic = context.topic('news', { groups: ['paused', 'watching'] });
      const [paused, watching] = [await context.connect(), await context.connect()];
      await paused.client.provision([topic]);
      const running = context.gate();
      const consumer = await context.consume(paused, topic, { group: 'paused' }, ({ id }) =>
        id === '1' ? running.opened : undefined,
      );
      await context.consume(watching, topic, { group: 'watching' });
      const byPaused = (): readonly string[] =>
        context.runs.filter(({ member }) => member === paused.name).map(({ id }) => id);
      await context.sendJobs(paused, topic, [{ n: 1 }]);
      await context.until('it runs', () => byPaused().length === 1);
      consumer.pause();
      await context.sendJobs(paused, topic, [{ n: 2 }, { n: 3 }, { n: 4 }]);
      running.open();
      await context.until('the running one ended', () =>
        context.runs.some(({ member, result }) => member === paused.name && result === 'returned'),
      );
      await context.until(
        'the other group got them all',
        () => context.runs.filter(({ member }) => member === watching.name).length === 4,
      );
      assert.deepEqual(byPaused(), ['1']);
      consumer.resume();
      await context.until('it went on', () => byPaused().length === 4);
    },
  },
]);
