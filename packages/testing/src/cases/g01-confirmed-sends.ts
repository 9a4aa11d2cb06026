import assert from 'node:assert/strict';
import { isAnymqError, rejectsWith } from '../assertions.ts';
import { casesOf, type ConformanceCase } from '../conformance-case.ts';
import { classifyScripted, firstTimes, jobs, neverConfirming, ScriptedError } from '../ingredients.ts';
import { wrapDriver } from '../wrap-driver.ts';

export const confirmedSends: readonly ConformanceCase[] = casesOf('G1', [
  {
    name: 'when send has resolved, the message is at the broker: another process receives it, though the sender has died',
    async run(context) {
      const sender = await context.connect();
      const queue = context.queue('jobs');
      const receipt = await context.send(sender, queue, { n: 1 }, { id: 'first' });
      await context.crash(sender);
      assert.equal(receipt.id, 'first');
      await context.consume(await context.connect(), queue, {});
      await context.untilHandled(1);
      assert.deepEqual([...context.handled()], ['first']);
    },
  },
  {
    name: 'every one of many concurrent sends resolves with its own receipt and arrives once',
    async run(context) {
      const member = await context.connect();
      const queue = context.queue('jobs');
      const producer = context.producer(member, queue);
      const sent = jobs(200);
      const receipts = await Promise.all(sent.map((job) => producer.send(job, { id: `id-${job.n}` })));
      assert.deepEqual(
        receipts.map(({ id }) => id),
        sent.map(({ n }) => `id-${n}`),
      );
      await context.consume(member, queue, {});
      await context.untilHandled(200);
      assert.equal(context.runs.length, 200);
    },
  },
  {
    name: 'sendMany gives one result per body, in order, and the good ones arrive although one is refused',
    async run(context) {
      const member = await context.connect();
      const queue = context.queue('jobs', { maxBytes: 1000 });
      const bodies = jobs(40, (n) => (n === 20 ? { what: 'x'.repeat(1000) } : {}));
      const results = await context.producer(member, queue).sendMany(bodies, (job) => ({ id: String(job.n) }));
      assert.equal(results.length, 40);
      for (const [index, result] of results.entries()) {
        if (index === 19) assert.ok(!result.ok && isAnymqError(result.error, 'TOO_LARGE', 'not-sent'));
        else assert.ok(result.ok && result.receipt.id === String(index + 1), `result ${index}`);
      }
      await context.consume(member, queue, {});
      await context.untilHandled(39);
      assert.ok(!context.handled().has('20'));
    },
  },
  {
    name: 'a batch larger than the driver takes at once arrives as a whole, down to the last one',
    async run(context) {
      const member = await context.connect();
      const queue = context.queue('jobs');
      const count = Math.min(2500, context.limits.maxBatchMessages * 2 + 3);
      await context.sendJobs(member, queue, jobs(count));
      await context.consume(member, queue, { concurrency: 100 });
      await context.untilHandled(count, 60_000);
    },
  },
  {
    name: 'sendMany of nothing is nothing',
    async run(context) {
      const member = await context.connect();
      assert.deepEqual(await member.client.producer(context.queue('jobs')).sendMany([]), []);
    },
  },
  {
    name: 'without a confirmation send rejects by timeoutMs, saying that the outcome is unknown',
    async run(context) {
      const member = await context.connect({ wrap: neverConfirming });
      const queue = context.queue('jobs');
      await member.client.provision([queue]);
      // Long enough for a slow broker to open the destination: what no driver has been given is not sent.
      const producer = context.producer(member, queue, { timeoutMs: 1500 });
      const before = Date.now();
      await rejectsWith(producer.send({ n: 1 }), 'TIMEOUT', 'unknown');
      assert.ok(Date.now() - before < 1500 + context.within(2000), 'rejected long after its timeout');
    },
  },
  {
    name: 'a send that never reached the broker rejects by timeoutMs, saying that it was not sent',
    async run(context) {
      const refusing = new ScriptedError({ code: 'NOT_CONNECTED', retryable: true, outcome: 'not-sent' });
      const member = await context.connect({
        wrap: (driver) =>
          wrapDriver(driver, {
            driver: (inner) => ({ openSender: () => Promise.reject(refusing), ...classifyScripted(inner) }),
          }),
      });
      const producer = context.producer(member, context.queue('jobs'), { timeoutMs: 400 });
      await rejectsWith(producer.send({ n: 1 }), 'TIMEOUT', 'not-sent');
    },
  },
  {
    name: 'a lost confirmation is followed by a resend with the same id',
    async run(context) {
      const losing = firstTimes(2);
      const error = new ScriptedError({ code: 'NOT_CONNECTED', retryable: true, outcome: 'unknown' });
      const member = await context.connect({
        wrap: (driver) =>
          wrapDriver(driver, {
            driver: classifyScripted,
            sender: (inner) => ({
              async sendBatch(messages, options) {
                const outcomes = await inner.sendBatch(messages, options);
                if (losing()) throw error;
                return outcomes;
              },
            }),
          }),
      });
      const queue = context.queue('jobs');
      const { id } = await context.send(member, queue, { n: 1 });
      await context.consume(member, queue, {});
      await context.untilHandled(1);
      await context.emptied(member, queue);
      assert.deepEqual([...context.handled()], [id]);
      assert.ok(
        context.log.events.some(({ event }) => event.type === 'send-retry'),
        'no send-retry event',
      );
    },
  },
  {
    name: 'a partly failed batch: only what failed is sent again',
    async run(context) {
      const error = new ScriptedError({ code: 'THROTTLED', retryable: true, outcome: 'not-sent' });
      const first = firstTimes(1);
      const member = await context.connect({
        wrap: (driver) =>
          wrapDriver(driver, {
            driver: classifyScripted,
            sender: (inner) => ({
              async sendBatch(messages, options) {
                if (messages.length < 2 || !first()) return inner.sendBatch(messages, options);
                const half = Math.floor(messages.length / 2);
                const stored = await inner.sendBatch(messages.slice(0, half), options);
                return [...stored, ...messages.slice(half).map(() => ({ ok: false, error }) as const)];
              },
            }),
          }),
      });
      const queue = context.queue('jobs');
      await context.sendJobs(member, queue, jobs(10));
      await context.consume(member, queue, {});
      await context.untilHandled(10);
      assert.equal(context.runs.length, 10);
    },
  },
  {
    name: 'a permanent refusal rejects at once, with the code of its class',
    async run(context) {
      const error = new ScriptedError({ code: 'ACCESS_DENIED', retryable: false, outcome: 'not-sent' });
      const member = await context.connect({
        wrap: (driver) =>
          wrapDriver(driver, { driver: classifyScripted, sender: () => ({ sendBatch: () => Promise.reject(error) }) }),
      });
      const found = await rejectsWith(
        context.send(member, context.queue('jobs'), { n: 1 }),
        'ACCESS_DENIED',
        'not-sent',
      );
      assert.equal(found.retryable, false);
      assert.ok(!found.message.includes('scripted'), "the client's own text may hold payloads and must not be shown");
    },
  },
]);
