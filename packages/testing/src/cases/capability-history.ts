import assert from 'node:assert/strict';
import { rejectsWith } from '../assertions.ts';
import type { CaseContext, Job } from '../case-context.ts';
import { casesOf, type ConformanceCase } from '../conformance-case.ts';
import { fails, jobs } from '../ingredients.ts';
import type { Member } from '../member.ts';
import type { Topic } from '@anymq/core';

const retentionMs = 3_600_000;

/** A topic on which the group 'readers' has handled five messages, and stopped. */
async function handledFive(context: CaseContext): Promise<{ readonly member: Member; readonly topic: Topic<Job> }> {
  const member = await context.connect();
  const topic = context.topic('log', { retentionMs, groups: ['readers'] });
  await member.client.provision([topic]);
  const consumer = await context.consume(member, topic, { group: 'readers' });
  await context.sendJobs(member, topic, jobs(5));
  await context.untilHandled(5);
  await consumer.stop();
  return { member, topic };
}

export const history: readonly ConformanceCase[] = casesOf('history', [
  {
    name: 'after a seek to earliest the group gets everything again, at attempt 1',
    needs: ['history'],
    async run(context) {
      const { member, topic } = await handledFive(context);
      await member.client.seek(topic, { group: 'readers', to: 'earliest' });
      await context.consume(member, topic, { group: 'readers' });
      await context.until(
        'all ran again',
        () => context.runs.filter(({ result }) => result === 'returned').length === 10,
      );
      assert.ok(context.runs.every(({ attempt }) => attempt === 1));
    },
  },
  {
    name: 'a seek to latest skips what waits, a seek to a date goes back to it',
    needs: ['history'],
    async run(context) {
      const { member, topic } = await handledFive(context);
      await context.pass(20);
      const date = new Date();
      await context.pass(20);
      await context.sendJobs(member, topic, [{ n: 6 }, { n: 7 }]);
      await member.client.seek(topic, { group: 'readers', to: 'latest' });
      await context.sendJobs(member, topic, [{ n: 8 }]);
      const consumer = await context.consume(member, topic, { group: 'readers' });
      await context.until('the one after it was handled', () => context.handled().has('8'));
      assert.ok(!context.handled().has('6') && !context.handled().has('7'), 'what was skipped was handled');
      await consumer.stop();
      await member.client.seek(topic, { group: 'readers', to: date });
      await context.consume(member, topic, { group: 'readers' });
      await context.until(
        'what came after the date was handled',
        () => context.handled().size === 8 && context.runsOf('8').length === 2,
      );
      assert.equal(context.runsOf('1').length, 1, 'it went back further than the date');
    },
  },
  {
    name: 'a seek while members run is a CONFLICT and changes nothing',
    needs: ['history'],
    async run(context) {
      const { member, topic } = await handledFive(context);
      const other = await context.connect();
      await context.consume(other, topic, { group: 'readers' });
      await rejectsWith(member.client.seek(topic, { group: 'readers', to: 'earliest' }), 'CONFLICT');
      await context.sendJobs(member, topic, [{ n: 6 }]);
      await context.untilHandled(6);
      assert.equal(context.runs.length, 6);
    },
  },
  {
    name: 'a seek leaves dead letters as they are, and other groups where they are',
    needs: ['history'],
    async run(context) {
      const member = await context.connect();
      const topic = context.topic('log', { retentionMs, groups: ['fails', 'works'] });
      await member.client.provision([topic]);
      const failing = await context.consume(member, topic, { group: 'fails', retry: false }, fails);
      const working = await context.connect();
      await context.consume(working, topic, { group: 'works' });
      await context.sendJobs(member, topic, jobs(3));
      await context.untilLetters(member, topic, 3, 'fails');
      await context.untilHandled(3);
      await failing.stop();
      await member.client.seek(topic, { group: 'fails', to: 'latest' });
      assert.equal((await context.letters(member, topic, 'fails')).length, 3);
      await context.sendJobs(member, topic, [{ n: 4 }]);
      await context.until('the other group went on', () => context.handled().has('4'));
      assert.equal(context.runs.filter((run) => run.member === working.name).length, 4);
      await member.client.seek(topic, { group: 'fails', to: 'latest' });
      context.leaves(topic, { deadLetters: 3 }, 'fails');
    },
  },
  {
    name: "a new group with startAt 'earliest' gets what was sent before it was made, one with 'latest' does not",
    needs: ['history'],
    async run(context) {
      const { member, topic } = await handledFive(context);
      const [early, late] = [await context.connect(), await context.connect()];
      await context.consume(early, topic, { group: 'early', startAt: 'earliest' });
      await context.consume(late, topic, { group: 'late', startAt: 'latest' });
      await context.sendJobs(member, topic, [{ n: 6 }]);
      const of = (who: Member): readonly string[] =>
        context.runs.filter((run) => run.member === who.name && run.result === 'returned').map(({ id }) => id);
      await context.until('both got the new one', () => of(early).includes('6') && of(late).includes('6'));
      await context.until('the early group got all', () => of(early).length === 6);
      assert.deepEqual(of(late), ['6']);
      await context.consume(member, topic, { group: 'readers' });
      await context.until('the first group got it too', () => of(member).includes('6'));
    },
  },
]);
