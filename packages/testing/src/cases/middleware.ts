import assert from 'node:assert/strict';
import { retry, timeout, type ConsumeHandler, type Middleware, type SendHandler } from '@anymq/core';
import { casesOf, type ConformanceCase } from '../conformance-case.ts';
import { attempts, jobs } from '../ingredients.ts';

export const middleware: readonly ConformanceCase[] = casesOf('middleware', [
  {
    name: 'the first of `use` is outermost, on both sides',
    async run(context) {
      const member = await context.connect();
      const queue = context.queue('jobs');
      const order: string[] = [];
      const around =
        (name: string): Middleware<ConsumeHandler> =>
        (next) =>
        async (body, delivery) => {
          order.push(`${name} in`);
          const outcome = await next(body, delivery);
          order.push(`${name} out`);
          return outcome;
        };
      const stamp =
        (name: string): Middleware<SendHandler> =>
        (next) =>
        (message) =>
          next({ ...message, headers: { ...message.headers, [name]: String(Object.keys(message.headers).length) } });
      await context.producer(member, queue, { use: [stamp('outer'), stamp('inner')] }).send({ n: 1 });
      await context.consume(member, queue, { use: [around('outer'), around('inner')] });
      await context.untilHandled(1);
      await context.stopped(member);
      assert.deepEqual(order, ['outer in', 'inner in', 'inner out', 'outer out']);
      assert.deepEqual({ ...context.runs[0]?.delivery.message.headers }, { outer: '0', inner: '1' });
    },
  },
  {
    name: 'a middleware that throws has failed the attempt; one that swallows an error has made it a success',
    async run(context) {
      const member = await context.connect();
      const queue = context.queue('jobs');
      await context.sendJobs(member, queue, jobs(2));
      const guard: Middleware<ConsumeHandler> = (next) => async (body, delivery) => {
        if (delivery.message.id === '1') throw new Error('refused by the guard');
        return next(body, delivery).catch(() => undefined);
      };
      await context.consume(member, queue, { retry: attempts(2), use: [guard] }, () => {
        throw new Error('swallowed');
      });
      const letters = await context.untilLetters(member, queue, 1);
      assert.deepEqual(
        letters.map(({ id, reason }) => [id, reason.message]),
        [['1', 'refused by the guard']],
      );
      await context.until('the other one ran', () => context.runs.length === 1);
      context.leaves(queue, { deadLetters: 1 });
    },
  },
  {
    name: 'retry() repeats inside one attempt',
    async run(context) {
      const member = await context.connect();
      const queue = context.queue('jobs');
      await context.sendJobs(member, queue, jobs(2));
      const use = [retry({ maxAttempts: 3, backoff: () => 5, clock: member.clock })];
      await context.consume(member, queue, { retry: attempts(2), use }, ({ id }) => {
        if (id === '2' || context.runsOf('1').length < 3) throw new Error('fails');
      });
      const [letter] = await context.untilLetters(member, queue, 1);
      await context.untilHandled(1);
      assert.ok(letter?.id === '2' && letter.attempts === 2);
      assert.deepEqual(
        context.runsOf('1').map(({ attempt }) => attempt),
        [1, 1, 1],
      );
      assert.deepEqual(
        context.runsOf('2').map(({ attempt }) => attempt),
        [1, 1, 1, 2, 2, 2],
      );
      context.leaves(queue, { deadLetters: 1 });
    },
  },
  {
    name: 'timeout() aborts the signal and fails the attempt as TimeoutError',
    async run(context) {
      const member = await context.connect();
      const queue = context.queue('jobs');
      await context.send(member, queue, { n: 1 });
      const use = [timeout({ afterMs: 50, clock: member.clock })];
      await context.consume(
        member,
        queue,
        { retry: false, use },
        (_run, { signal }) =>
          new Promise((resolve) => signal.addEventListener('abort', () => resolve(undefined), { once: true })),
      );
      const [letter] = await context.untilLetters(member, queue, 1);
      assert.deepEqual([letter?.reason.name, letter?.reason.code], ['TimeoutError', 'TIMEOUT']);
      context.leaves(queue, { deadLetters: 1 });
    },
  },
]);
