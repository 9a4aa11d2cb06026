import assert from 'node:assert/strict';
import { reject, release, retryLater } from '@anymq/core';
import { throwsWith } from '../assertions.ts';
import { casesOf, type ConformanceCase } from '../conformance-case.ts';
import { attempts, fails, jobs } from '../ingredients.ts';

export const outcomes: readonly ConformanceCase[] = casesOf('G3', [
  {
    name: 'retryLater is charged: at the last attempt it dead-letters',
    async run(context) {
      const member = await context.connect();
      const queue = context.queue('jobs');
      await context.send(member, queue, { n: 1 });
      await context.consume(member, queue, { retry: attempts(2) }, () => retryLater(0));
      await context.untilLetters(member, queue, 1);
      assert.deepEqual(
        context.runs.map(({ attempt }) => attempt),
        [1, 2],
      );
      context.leaves(queue, { deadLetters: 1 });
    },
  },
  {
    name: 'retryLater with charge: false never dead-letters and keeps the attempt',
    async run(context) {
      const member = await context.connect();
      const queue = context.queue('jobs');
      await context.send(member, queue, { n: 1 });
      await context.consume(member, queue, { retry: attempts(2) }, () =>
        context.runs.length < 6 ? retryLater(0, { charge: false }) : undefined,
      );
      await context.until('it was handled at the sixth run', () => context.runs[5]?.result === 'returned');
      assert.deepEqual(
        context.runs.map(({ attempt }) => attempt),
        [1, 1, 1, 1, 1, 1],
      );
    },
  },
  {
    name: 'release is never charged',
    async run(context) {
      const member = await context.connect();
      const queue = context.queue('jobs');
      await context.send(member, queue, { n: 1 });
      await context.consume(member, queue, { retry: attempts(2) }, () =>
        context.runs.length < 5 ? release({ delayMs: 0 }) : undefined,
      );
      await context.until('it was handled at the fifth run', () => context.runs[4]?.result === 'returned');
      assert.deepEqual(
        context.runs.map(({ attempt }) => attempt),
        [1, 1, 1, 1, 1],
      );
    },
  },
  {
    name: 'a charge before a release is still there after it',
    async run(context) {
      const member = await context.connect();
      const queue = context.queue('jobs');
      await context.send(member, queue, { n: 1 });
      await context.consume(member, queue, { retry: attempts(2) }, () => {
        if (context.runs.length === 2) return release({ delayMs: 0 });
        throw new Error('fails');
      });
      const [letter] = await context.untilLetters(member, queue, 1);
      assert.deepEqual(
        context.runs.map(({ attempt }) => attempt),
        [1, 2, 2],
      );
      assert.equal(letter?.attempts, 2);
      context.leaves(queue, { deadLetters: 1 });
    },
  },
  {
    name: 'reject dead-letters at once, with its reason',
    async run(context) {
      const member = await context.connect();
      const queue = context.queue('jobs');
      await context.send(member, queue, { n: 1 });
      await context.consume(member, queue, { retry: attempts(5) }, () => reject('unknown product'));
      const [letter] = await context.untilLetters(member, queue, 1);
      assert.equal(letter?.reason.message, 'unknown product');
      assert.equal(context.runs.length, 1);
      context.leaves(queue, { deadLetters: 1 });
    },
  },
  {
    name: 'deadLetter: false discards after the last attempt, with an event',
    async run(context) {
      const member = await context.connect();
      const queue = context.queue('jobs');
      await context.sendJobs(member, queue, jobs(2));
      await context.consume(member, queue, { retry: attempts(2), deadLetter: false }, fails);
      const discarded = (): readonly string[] =>
        context.log.events.flatMap(({ event }) => (event.type === 'discarded' ? [event.id] : []));
      await context.until('both were discarded', () => discarded().length === 2);
      assert.deepEqual(discarded().toSorted(), ['1', '2']);
      assert.equal(context.runs.length, 4);
    },
  },
  {
    name: "acknowledge: 'before' runs once, whatever happens",
    async run(context) {
      const member = await context.connect();
      const queue = context.queue('jobs');
      await context.sendJobs(member, queue, jobs(10));
      await context.consume(member, queue, { acknowledge: 'before', concurrency: 3 }, ({ id }) => {
        if (Number(id) % 2 === 0) throw new Error('fails');
      });
      await context.until(
        'all have run',
        () => context.runs.filter(({ result }) => result !== 'running').length === 10,
      );
      await context.send(member, queue, { n: 11 }, { id: '11' });
      await context.until('the sentinel has run', () => context.runsOf('11').length === 1);
      assert.equal(context.runs.length, 11);
      assert.deepEqual(await context.letters(member, queue), []);
    },
  },
  {
    name: "acknowledge: 'before' is refused together with retry or deadLetter",
    async run(context) {
      const { client } = await context.connect();
      const queue = context.queue('jobs');
      const none = (): void => undefined;
      throwsWith(() => client.consumer(queue, { acknowledge: 'before', retry: attempts(2) }, none), 'INVALID_OPTION');
      throwsWith(() => client.consumer(queue, { acknowledge: 'before', deadLetter: true }, none), 'INVALID_OPTION');
    },
  },
  {
    name: 'a handler that returns something else has succeeded; one that throws something else has failed',
    async run(context) {
      const member = await context.connect();
      const queue = context.queue('jobs');
      await context.sendJobs(member, queue, jobs(2));
      await context.consume(member, queue, { retry: false }, ({ id }) => {
        // eslint-disable-next-line typescript/only-throw-error -- that is what the case is about
        if (id === '1') throw 'just text';
        return { looks: 'like nothing' } as never;
      });
      await context.untilHandled(1);
      const [letter] = await context.untilLetters(member, queue, 1);
      assert.ok(letter?.id === '1' && letter.reason.message.includes('just text'));
      context.leaves(queue, { deadLetters: 1 });
    },
  },
]);
