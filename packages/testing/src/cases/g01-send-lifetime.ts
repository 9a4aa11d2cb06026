import assert from 'node:assert/strict';
import { rejectsWith, throwsWith } from '../assertions.ts';
import { casesOf, type ConformanceCase } from '../conformance-case.ts';
import { jobs, neverConfirming } from '../ingredients.ts';

export const sendLifetime: readonly ConformanceCase[] = casesOf('G1', [
  {
    name: 'after close nothing is sent: CLOSED',
    async run(context) {
      const member = await context.connect();
      const queue = context.queue('jobs');
      const producer = context.producer(member, queue);
      await producer.send({ n: 1 });
      await member.client.close();
      await rejectsWith(producer.send({ n: 2 }), 'CLOSED', 'not-sent');
      await rejectsWith(producer.sendMany([{ n: 2 }]), 'CLOSED', 'not-sent');
      throwsWith(() => member.client.producer(queue), 'CLOSED');
      await context.consume(await context.connect(), queue, {});
      await context.untilHandled(1);
    },
  },
  {
    name: 'close flushes what was sent before it',
    async run(context) {
      const member = await context.connect();
      const queue = context.queue('jobs');
      const producer = context.producer(member, queue);
      const sends = jobs(20).map((job) => producer.send(job));
      await member.client.close();
      await Promise.all(sends);
      await context.consume(await context.connect(), queue, {});
      await context.untilHandled(20);
    },
  },
  {
    name: 'flush resolves when everything sent before it has been confirmed',
    async run(context) {
      const member = await context.connect();
      const queue = context.queue('jobs');
      const producer = context.producer(member, queue, { lingerMs: 100 });
      let confirmed = 0;
      const sends = jobs(10).map((job) => producer.send(job).then(() => confirmed++));
      await producer.flush();
      await Promise.resolve();
      assert.equal(confirmed, 10);
      await Promise.all(sends);
      await context.consume(member, queue, {});
      await context.untilHandled(10);
    },
  },
  {
    name: 'a signal gives up a send: not sent when it was aborted before, unknown when the broker has it',
    async run(context) {
      const member = await context.connect({ wrap: neverConfirming });
      const producer = context.producer(member, context.queue('jobs'));
      const early = context.abortable();
      early.abort();
      await rejectsWith(producer.send({ n: 1 }, { signal: early.signal }), 'ABORTED', 'not-sent');
      const late = context.abortable();
      const sending = producer.send({ n: 2 }, { signal: late.signal });
      setTimeout(() => late.abort(), 50);
      const error = await rejectsWith(sending, 'ABORTED');
      assert.ok(error.outcome === 'unknown' || error.outcome === 'not-sent');
    },
  },
  {
    name: 'a signal that is never aborted is not listened to any longer once the send has ended',
    async run(context) {
      const member = await context.connect();
      const queue = context.queue('jobs');
      const { signal } = context.abortable();
      await context.producer(member, queue).sendMany(jobs(30), () => ({ signal }));
      await context.consume(member, queue, {});
      await context.untilHandled(30);
    },
  },
  {
    name: "aborting the client's signal closes it",
    async run(context) {
      const controller = context.abortable();
      const member = await context.connect({ signal: controller.signal });
      const queue = context.queue('jobs');
      const consumer = await context.consume(member, queue, {});
      await context.send(member, queue, { n: 1 });
      await context.untilHandled(1);
      controller.abort();
      await consumer.finished;
      throwsWith(() => member.client.producer(queue), 'CLOSED');
    },
  },
  {
    name: 'close twice is safe, also at once',
    async run(context) {
      const member = await context.connect();
      await Promise.all([member.client.close(), member.client.close()]);
      await member.client.close();
    },
  },
]);
