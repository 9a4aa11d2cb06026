import assert from 'node:assert/strict';
import { release } from '@anymq/core';
import { assertInOrder, isAnymqError, mostAtOnce } from '../assertions.ts';
import { casesOf, type ConformanceCase } from '../conformance-case.ts';
import { attempts, breathe, jobs, ordered } from '../ingredients.ts';

/** `keys` keys in turn. */
const keyed = (count: number, keys: number): ReturnType<typeof jobs> =>
  jobs(count, (n) => ({ key: `key-${n % keys}` }));

export const order: readonly ConformanceCase[] = casesOf('G8', [
  {
    name: 'one key is handled one at a time in publish order, while other keys run beside it',
    async run(context) {
      const member = await context.connect();
      const queue = context.queue('jobs', ordered);
      await context.sendJobs(member, queue, keyed(100, 10));
      await context.consume(member, queue, { concurrency: 10 }, breathe);
      await context.untilHandled(100);
      assertInOrder(context.runs);
      assert.ok(mostAtOnce(context.runs) > 1, 'other keys did not run beside it');
      assert.equal(context.runs.length, 100);
    },
  },
  {
    name: 'sends of one key that are not awaited keep the order of their calls',
    async run(context) {
      const member = await context.connect();
      const queue = context.queue('jobs', ordered);
      const producer = context.producer(member, queue);
      await context.consume(member, queue, { concurrency: 10 });
      await Promise.all(keyed(60, 3).map((job) => producer.send(job, { id: String(job.n) })));
      await context.untilHandled(60);
      assertInOrder(context.runs);
    },
  },
  {
    name: 'a topic keeps the order for each group',
    async run(context) {
      const topic = context.topic('news', { ...ordered, groups: ['one', 'two'] });
      const [one, two] = [await context.connect(), await context.connect()];
      await one.client.provision([topic]);
      await context.consume(one, topic, { group: 'one' }, breathe);
      await context.consume(two, topic, { group: 'two' }, breathe);
      await context.sendJobs(one, topic, keyed(40, 4));
      await context.until(
        'both groups handled all',
        () => context.runs.filter(({ result }) => result === 'returned').length === 80,
      );
      for (const { name } of [one, two]) assertInOrder(context.runs.filter(({ member }) => member === name));
    },
  },
  {
    name: 'a retry keeps its place: its followers wait, while other keys go on',
    async run(context) {
      const member = await context.connect();
      const queue = context.queue('jobs', ordered);
      await context.sendJobs(
        member,
        queue,
        jobs(12, (n) => ({ key: n % 2 === 0 ? 'fails' : 'works' })),
      );
      const others = context.gate();
      await context.consume(member, queue, { retry: attempts(4) }, async ({ id, attempt }) => {
        if (id !== '2') return;
        if (attempt < 3) throw new Error('fails twice');
        await others.opened;
      });
      const odd = (): number => [...context.handled()].filter((id) => Number(id) % 2 === 1).length;
      await context.until('the other key went on', () => odd() === 6);
      others.open();
      await context.untilHandled(12);
      assertInOrder(context.runs);
      assert.deepEqual(
        context.runsOf('2').map(({ attempt }) => attempt),
        [1, 2, 3],
      );
    },
  },
  {
    name: 'a lane that waits for a retry holds up no other key',
    async run(context) {
      const member = await context.connect();
      const queue = context.queue('jobs', { ...ordered, partitions: 1 });
      await context.sendJobs(
        member,
        queue,
        jobs(20, (n) => ({ key: n === 1 || n === 20 ? 'fails' : `other-${n}` })),
      );
      // Long beside what twenty handlers take, on a machine under load as well: only who waits for the retry comes after it.
      const waitMs = context.within(5000);
      await context.consume(member, queue, { retry: attempts(3, waitMs), concurrency: 2 }, ({ id, attempt }) => {
        if (id === '1' && attempt === 1) throw new Error('fails once');
      });
      await context.untilHandled(20);
      assertInOrder(context.runs);
      const second = context.runsOf('1')[1];
      const late = context.runs.filter(({ id, end }) => id !== '1' && id !== '20' && end > (second?.start ?? 0));
      assert.deepEqual(
        late.map(({ id }) => id),
        [],
        'other keys waited for the retry',
      );
    },
  },
  {
    name: 'after a dead letter its key goes on',
    async run(context) {
      const member = await context.connect();
      const queue = context.queue('jobs', ordered);
      await context.sendJobs(
        member,
        queue,
        jobs(6, () => ({ key: 'a' })),
      );
      await context.consume(member, queue, { retry: attempts(2) }, ({ id }) => {
        if (id === '1' || id === '4') throw new Error('fails');
      });
      await context.untilHandled(4);
      assertInOrder(context.runs, new Set(['1', '4']));
      assert.equal(context.runs.length, 8);
      await context.untilLetters(member, queue, 2);
      context.leaves(queue, { deadLetters: 2 });
    },
  },
  {
    name: 'a released message keeps its place',
    async run(context) {
      const member = await context.connect();
      const queue = context.queue('jobs', ordered);
      await context.sendJobs(
        member,
        queue,
        jobs(4, () => ({ key: 'a' })),
      );
      await context.consume(member, queue, {}, ({ id }) =>
        id === '2' && context.runsOf('2').length < 3 ? release({ delayMs: 20 }) : undefined,
      );
      await context.until('the last was handled', () => context.handled().has('4'));
      assert.deepEqual(
        context.runs.map(({ id }) => id),
        ['1', '2', '2', '2', '3', '4'],
      );
      assert.ok(context.runs.every(({ attempt }) => attempt === 1));
    },
  },
  {
    name: 'a delayed message takes its place when it is due',
    async run(context) {
      const member = await context.connect();
      const queue = context.queue('jobs', ordered);
      // Its making is not to eat up the delay.
      await member.client.provision([queue]);
      const before = Date.now();
      await context.send(member, queue, { n: 1, key: 'a' }, { id: 'delayed', delayMs: 600 });
      await context.send(member, queue, { n: 2, key: 'a' }, { id: 'at-once' });
      await context.consume(member, queue, {}, breathe);
      await context.untilHandled(2);
      assert.deepEqual(
        context.runs.map(({ id }) => id),
        ['at-once', 'delayed'],
      );
      assert.ok((context.runs[1]?.startedAt ?? 0) >= before + 595);
      assert.equal(mostAtOnce(context.runs), 1);
    },
  },
  {
    name: 'after a keyed message was refused, later ones of its key in the same call are not sent',
    async run(context) {
      const member = await context.connect();
      const queue = context.queue('jobs', { ...ordered, maxBytes: 1000 });
      const bodies = [
        { n: 1, key: 'a' },
        { n: 2, key: 'a', what: 'x'.repeat(1000) },
        { n: 3, key: 'a' },
        { n: 4, key: 'b' },
      ];
      const [first, second, third, fourth] = await context
        .producer(member, queue)
        .sendMany(bodies, ({ n }) => ({ id: String(n) }));
      assert.ok(first?.ok === true && fourth?.ok === true);
      assert.ok(second?.ok === false && isAnymqError(second.error, 'TOO_LARGE', 'not-sent'));
      assert.ok(third?.ok === false && isAnymqError(third.error, 'CONFLICT', 'not-sent'));
      await context.consume(member, queue, {});
      await context.untilHandled(2);
      assert.deepEqual([...context.handled()].toSorted(), ['1', '4']);
    },
  },
]);
