import assert from 'node:assert/strict';
import { casesOf, type ConformanceCase } from '../conformance-case.ts';
import { jobs } from '../ingredients.ts';

const priorities: readonly ConformanceCase[] = casesOf('priority', [
  {
    name: 'higher priorities are handled first, equal ones in the order of their sending',
    needs: ['priority'],
    async run(context) {
      const member = await context.connect();
      const queue = context.queue('jobs');
      const sent: readonly (readonly [string, number | undefined])[] = [
        ['low', 0],
        ['default', undefined],
        ['high', 9],
        ['higher', 6],
        ['high-too', 9],
      ];
      for (const [id, priority] of sent)
        await context.send(member, queue, { n: 1 }, priority === undefined ? { id } : { id, priority });
      await context.consume(member, queue, { concurrency: 1 });
      await context.untilHandled(5);
      assert.deepEqual(
        context.runs.map(({ id }) => id),
        ['high', 'high-too', 'higher', 'default', 'low'],
      );
    },
  },
]);

const expiries: readonly ConformanceCase[] = casesOf('expiry', [
  {
    name: 'what has expired is not handled, and is no dead letter; what has not is',
    needs: ['expiry'],
    async run(context) {
      const member = await context.connect();
      const queue = context.queue('jobs');
      await context.send(member, queue, { n: 1 }, { id: 'short', expiresAfterMs: 50 });
      await context.send(member, queue, { n: 2 }, { id: 'long', expiresAfterMs: 3_600_000 });
      // Time itself is what this is about.
      await context.pass(100);
      await context.send(member, queue, { n: 3 }, { id: 'sentinel' });
      await context.consume(member, queue, { concurrency: 1 });
      await context.untilHandled(2);
      await context.emptied(member, queue);
      assert.deepEqual([...context.handled()].toSorted(), ['long', 'sentinel']);
      assert.deepEqual(await context.letters(member, queue), []);
    },
  },
]);

const duplicates: readonly ConformanceCase[] = casesOf('deduplication', [
  {
    name: 'a second send of one id is dropped by the broker where that is declared, and nowhere else',
    async run(context) {
      const member = await context.connect();
      const queue = context.queue('jobs');
      for (const id of ['same', 'same', 'other', 'same']) await context.send(member, queue, { n: 1 }, { id });
      await context.consume(member, queue, {});
      await context.untilHandled(2);
      await context.emptied(member, queue);
      assert.equal(context.runs.length, context.capabilities.deduplication ? 2 : 4);
    },
  },
]);

const backlogs: readonly ConformanceCase[] = casesOf('exactBacklog', [
  {
    name: 'inspect counts what waits and what runs, exactly, and the age of the oldest',
    needs: ['exactBacklog'],
    async run(context) {
      const member = await context.connect();
      const queue = context.queue('jobs');
      await context.sendJobs(member, queue, jobs(7));
      await context.pass(30);
      const waiting = await member.client.inspect(queue);
      assert.deepEqual(waiting.backlog, { value: 7, exact: true });
      assert.ok(waiting.oldestAgeMs === null || (waiting.oldestAgeMs >= 25 && waiting.oldestAgeMs < 60_000));
      const working = context.gate();
      await context.consume(member, queue, { concurrency: 3 }, () => working.opened);
      await context.until('three run', () => context.runs.length === 3);
      const running = await member.client.inspect(queue);
      assert.equal((running.backlog.value ?? 0) + (running.inFlight.value ?? 0), 7);
      working.open();
      await context.untilHandled(7);
      await context.emptied(member, queue);
      assert.deepEqual((await member.client.inspect(queue)).backlog, { value: 0, exact: true });
    },
  },
  {
    name: 'inspect says whether its backlog is exact, as the driver declares',
    async run(context) {
      const member = await context.connect();
      const queue = context.queue('jobs');
      await context.sendJobs(member, queue, jobs(2));
      assert.equal((await member.client.inspect(queue)).backlog.exact, context.capabilities.exactBacklog);
      await context.consume(member, queue, {});
      await context.untilHandled(2);
    },
  },
]);

const filters: readonly ConformanceCase[] = casesOf('brokerFilter', [
  {
    name: 'a group with a filter gets only what matches it, and nothing else waits for it',
    needs: ['brokerFilter'],
    async run(context) {
      const topic = context.topic('news', {
        groups: {
          all: {},
          german: { filter: { language: 'de' } },
          several: { filter: { language: ['de', 'fr'], kind: 'sport' } },
        },
      });
      const member = await context.connect();
      await member.client.provision([topic]);
      const sent = [
        { id: 'de-sport', headers: { language: 'de', kind: 'sport' } },
        { id: 'fr-sport', headers: { language: 'fr', kind: 'sport' } },
        { id: 'fr-news', headers: { language: 'fr', kind: 'news' } },
        { id: 'none', headers: {} },
      ];
      for (const options of sent) await context.send(member, topic, { n: 1 }, options);
      const { backlog } = await member.client.inspect(topic, { group: 'german' });
      if (backlog.exact) assert.equal(backlog.value, 1, 'what does not match waits for the group');
      for (const group of ['all', 'german', 'several']) await context.consume(member, topic, { group });
      await context.until(
        'all were handled',
        () => context.runs.filter(({ result }) => result === 'returned').length === 7,
      );
      const of = (group: string): readonly string[] =>
        context.runs
          .filter(({ delivery }) => delivery.group === group)
          .map(({ id }) => id)
          .toSorted();
      assert.deepEqual(of('all'), ['de-sport', 'fr-news', 'fr-sport', 'none']);
      assert.deepEqual(of('german'), ['de-sport']);
      assert.deepEqual(of('several'), ['de-sport', 'fr-sport']);
    },
  },
]);

export const sendingCapabilities: readonly ConformanceCase[] = [
  ...priorities,
  ...expiries,
  ...duplicates,
  ...backlogs,
  ...filters,
];
