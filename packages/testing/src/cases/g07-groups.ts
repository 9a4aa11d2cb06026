import assert from 'node:assert/strict';
import type { CaseContext } from '../case-context.ts';
import { casesOf, type ConformanceCase } from '../conformance-case.ts';
import { breathe, collect, jobs } from '../ingredients.ts';
import type { Member } from '../member.ts';

function handledBy(context: CaseContext, member: Member): readonly string[] {
  return context.runs.filter((run) => run.member === member.name && run.result === 'returned').map(({ id }) => id);
}

export const groups: readonly ConformanceCase[] = casesOf('G7', [
  {
    name: 'each of three groups gets every message, once',
    async run(context) {
      const names = ['website', 'app', 'analytics'];
      const topic = context.topic('news', { groups: names });
      const members = [await context.connect(), await context.connect(), await context.connect()] as const;
      await members[0].client.provision([topic]);
      for (const [index, member] of members.entries()) await context.consume(member, topic, { group: names[index] });
      await context.sendJobs(members[0], topic, jobs(30));
      for (const member of members) {
        await context.until(`${member.name} handled 30`, () => handledBy(context, member).length === 30);
        assert.equal(new Set(handledBy(context, member)).size, 30);
      }
      assert.equal(context.runs.length, 90);
    },
  },
  {
    name: 'inside a group one member at a time handles a message, and each message is handled once',
    async run(context) {
      const topic = context.topic('news', { groups: ['readers'] });
      const [first, second] = [await context.connect(), await context.connect()];
      await first.client.provision([topic]);
      await context.consume(first, topic, { group: 'readers', concurrency: 3 }, breathe);
      await context.consume(second, topic, { group: 'readers', concurrency: 3 }, breathe);
      await context.sendJobs(first, topic, jobs(100));
      await context.untilHandled(100);
      assert.equal(context.runs.length, 100);
    },
  },
  {
    name: 'a queue is shared by all its consumers: each message is handled once',
    async run(context) {
      const queue = context.queue('jobs');
      const members = [await context.connect(), await context.connect(), await context.connect()] as const;
      for (const member of members) await context.consume(member, queue, { concurrency: 2 }, breathe);
      await context.sendJobs(members[0], queue, jobs(100));
      await context.untilHandled(100);
      assert.equal(context.runs.length, 100);
    },
  },
  {
    name: 'a provisioned group gets what was sent before its first member started',
    async run(context) {
      const topic = context.topic('news', { groups: ['late'] });
      const member = await context.connect();
      await member.client.provision([topic]);
      await context.sendJobs(member, topic, jobs(10));
      await context.consume(member, topic, { group: 'late' });
      await context.untilHandled(10);
    },
  },
  {
    name: 'a group that is made by its first start gets what is sent after it, and others miss nothing',
    async run(context) {
      const topic = context.topic('news', { groups: ['early'] });
      const [early, late] = [await context.connect(), await context.connect()];
      await early.client.provision([topic]);
      await context.sendJobs(early, topic, jobs(5));
      await context.consume(late, topic, { group: 'late' });
      await context.sendJobs(early, topic, [{ n: 6 }, { n: 7 }]);
      await context.until('the new group handled the later ones', () => handledBy(context, late).length === 2);
      await context.consume(early, topic, { group: 'early' });
      await context.until('the old group handled all', () => handledBy(context, early).length === 7);
      assert.deepEqual(handledBy(context, late).toSorted(), ['6', '7']);
    },
  },
  {
    name: 'a message to a topic without any group is confirmed and gone',
    async run(context) {
      const topic = context.topic('news');
      const member = await context.connect();
      await member.client.provision([topic]);
      await context.send(member, topic, { n: 1 }, { id: 'unheard' });
      await context.consume(member, topic, { group: 'first' });
      await context.send(member, topic, { n: 2 }, { id: 'heard' });
      await context.untilHandled(1);
      assert.deepEqual(
        context.runs.map(({ id }) => id),
        ['heard'],
      );
    },
  },
  {
    name: 'a group keeps its place while none of its members runs',
    async run(context) {
      const topic = context.topic('news', { groups: ['readers'] });
      const member = await context.connect();
      await member.client.provision([topic]);
      const consumer = await context.consume(member, topic, { group: 'readers' });
      await context.sendJobs(member, topic, jobs(5));
      await context.untilHandled(5);
      await consumer.stop();
      await context.producer(member, topic).sendMany(jobs(10).slice(5), (job) => ({ id: String(job.n) }));
      await context.consume(await context.connect(), topic, { group: 'readers' });
      await context.untilHandled(10);
      assert.equal(context.runs.length, 10);
    },
  },
  {
    name: 'removing one group leaves the others as they are',
    async run(context) {
      const topic = context.topic('news', { groups: ['stays', 'goes'] });
      const member = await context.connect();
      await member.client.provision([topic]);
      await context.sendJobs(member, topic, jobs(5));
      await member.client.remove([topic], { group: 'goes' });
      context.used.delete('news/goes');
      await context.consume(member, topic, { group: 'stays' });
      await context.untilHandled(5);
    },
  },
  {
    name: 'namespaces do not meet, though their destinations have the same names',
    async run(context) {
      const queue = context.queue('jobs');
      const here = await context.connect();
      const there = await context.connect({ namespace: `${context.namespace}-b` });
      await there.client.provision([queue]);
      await here.client.provision([queue]);
      await context.sendJobs(here, queue, jobs(5));
      const stranger = there.client.consumer(queue, {}, () => assert.fail('a message of another namespace'));
      await stranger.start();
      await there.client.producer(queue).flush();
      await context.consume(here, queue, {});
      await context.untilHandled(5);
      await stranger.stop();
      assert.deepEqual(await collect(there.client.deadLetters(queue).list()), []);
      await there.client.remove([queue]);
      await there.client.close();
    },
  },
]);
