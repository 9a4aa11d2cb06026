import assert from 'node:assert/strict';
import type { Driver, SettleOutcome } from '@anymq/core/driver';
import { casesOf, type ConformanceCase } from '../conformance-case.ts';
import { attempts, classifyScripted, fails, failsFirst, firstTimes, jobs, ScriptedError } from '../ingredients.ts';
import { wrapDriver } from '../wrap-driver.ts';

export const settling: readonly ConformanceCase[] = casesOf('G2', [
  {
    name: 'an acknowledgement that fails is repeated, and the handler does not run again',
    async run(context) {
      const member = await context.connect({ wrap: (driver) => failingSettlements(driver, 'acknowledge', 2) });
      const queue = context.queue('jobs');
      await context.sendJobs(member, queue, jobs(5));
      await context.consume(member, queue, {});
      await context.untilHandled(5);
      await context.until('a failure to settle was told', () =>
        context.log.events.some(({ event }) => event.type === 'settle-failed'),
      );
      await context.send(member, queue, { n: 6 });
      await context.untilHandled(6);
      assert.equal(context.runs.length, 6);
    },
  },
  {
    name: 'a dead letter whose write fails is written again: it is never lost',
    async run(context) {
      const member = await context.connect({ wrap: (driver) => failingSettlements(driver, 'deadLetter', 2) });
      const queue = context.queue('jobs');
      await context.sendJobs(member, queue, jobs(3));
      await context.consume(member, queue, { retry: false }, fails);
      const letters = await context.untilLetters(member, queue, 3);
      assert.deepEqual(letters.map(({ id }) => id).sort(), ['1', '2', '3']);
      await member.client.deadLetters(queue).purge();
    },
  },
  {
    name: 'a retry copy whose write fails is written again: the message is handled in the end',
    async run(context) {
      const member = await context.connect({ wrap: (driver) => failingSettlements(driver, 'retry', 2) });
      const queue = context.queue('jobs');
      await context.sendJobs(member, queue, jobs(3));
      await context.consume(member, queue, { retry: attempts(3) }, failsFirst(1));
      await context.untilHandled(3);
    },
  },
  {
    name: 'a settlement whose answer is lost is repeated without harm',
    async run(context) {
      const member = await context.connect({ wrap: losingAnswers });
      const queue = context.queue('jobs');
      await context.sendJobs(
        member,
        queue,
        jobs(20, (n) => ({ what: n === 7 ? 'fails' : 'works' })),
      );
      await context.consume(member, queue, { retry: false }, ({ body }) => {
        if ((body as { what: string }).what === 'fails') throw new Error('fails');
      });
      await context.untilHandled(19);
      const letters = await context.untilLetters(member, queue, 1);
      assert.deepEqual(
        letters.map(({ id }) => id),
        ['7'],
      );
      await member.client.deadLetters(queue).purge();
      await context.send(member, queue, { n: 21, what: 'works' });
      await context.untilHandled(20);
      assert.equal(context.runs.length, 21);
    },
  },
]);

/** The first settlements of this kind have no effect and say so. */
function failingSettlements(driver: Driver, kind: SettleOutcome['kind'], count: number): Driver {
  const error = new ScriptedError({ code: 'NOT_CONNECTED', retryable: true });
  const failsNow = firstTimes(count);
  return wrapDriver(driver, {
    driver: classifyScripted,
    receiver: (inner) => ({
      async settleBatch(items) {
        const hit = items.some(({ outcome }) => outcome.kind === kind) && failsNow();
        if (!hit) return inner.settleBatch(items);
        const rest = items.filter(({ outcome }) => outcome.kind !== kind);
        const results = rest.length === 0 ? [] : [...(await inner.settleBatch(rest))];
        return items.map(({ outcome }) =>
          outcome.kind === kind ? { ok: false, reason: 'error', error } : (results.shift() ?? { ok: true }),
        );
      },
    }),
  });
}

/** Every settlement of the first few takes effect, and its answer is lost on the way back. */
function losingAnswers(driver: Driver): Driver {
  const loses = firstTimes(3);
  return wrapDriver(driver, {
    driver: classifyScripted,
    receiver: (inner) => ({
      async settleBatch(items) {
        const results = await inner.settleBatch(items);
        if (loses()) throw new ScriptedError({ code: 'NOT_CONNECTED', retryable: true });
        return results;
      },
    }),
  });
}
