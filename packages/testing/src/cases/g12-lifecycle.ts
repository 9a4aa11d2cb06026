import assert from 'node:assert/strict';
import { rejectsWith, throwsWith } from '../assertions.ts';
import { casesOf, type ConformanceCase } from '../conformance-case.ts';
import { attempts, fails, jobs } from '../ingredients.ts';

export const lifecycle: readonly ConformanceCase[] = casesOf('G12', [
  {
    name: 'the states of a consumer, in order; finished resolves when it has stopped',
    async run(context) {
      const member = await context.connect();
      const queue = context.queue('jobs');
      const consumer = context.consumer(member, queue, {});
      assert.equal(consumer.state, 'idle');
      const starting = consumer.start();
      assert.equal(consumer.state, 'starting');
      await starting;
      assert.equal(consumer.state, 'running');
      await consumer.stop();
      await consumer.finished;
      const states = context.log.events.flatMap(({ event }) => (event.type === 'consumer-state' ? [event.state] : []));
      assert.deepEqual(states, ['starting', 'running', 'stopping', 'stopped']);
    },
  },
  {
    name: 'a second start is a CONFLICT; a start after stop is CLOSED; stop twice is safe',
    async run(context) {
      const member = await context.connect();
      const queue = context.queue('jobs');
      const consumer = await context.consume(member, queue, {});
      await rejectsWith(consumer.start(), 'CONFLICT');
      assert.equal(consumer.state, 'running');
      await Promise.all([consumer.stop(), consumer.stop()]);
      await consumer.stop();
      await rejectsWith(consumer.start(), 'CLOSED');
    },
  },
  {
    name: 'stop before start is safe; so is a stop while it starts',
    async run(context) {
      const member = await context.connect();
      const queue = context.queue('jobs');
      const never = context.consumer(member, queue, {});
      await never.stop();
      assert.equal(never.state, 'stopped');
      const early = context.consumer(member, queue, {});
      const starting = early.start().catch(() => undefined);
      await early.stop();
      await starting;
      assert.equal(early.state, 'stopped');
      await early.finished;
    },
  },
  {
    name: 'await using stops a consumer and closes a client',
    async run(context) {
      const member = await context.connect();
      const queue = context.queue('jobs');
      {
        await using consumer = await context.consume(member, queue, {});
        assert.equal(consumer.state, 'running');
      }
      assert.equal(member.consumers[0]?.state, 'stopped');
      {
        await using client = member.client;
        await client.producer(queue).send({ n: 1 });
      }
      throwsWith(() => member.client.producer(queue), 'CLOSED');
      throwsWith(() => member.client.consumer(queue, {}, () => undefined), 'CLOSED');
      await context.consume(await context.connect(), queue, {});
      await context.untilHandled(1);
    },
  },
  {
    name: 'while a client closes, a handler that still runs may send, through new producers too, and is not charged',
    async run(context) {
      const member = await context.connect();
      const [queue, results] = [context.queue('jobs'), context.queue('results')];
      const [working, known] = [context.gate(), member.client.producer(results)];
      await context.sendJobs(member, queue, jobs(1));
      await context.consume(member, queue, { retry: false }, async () => {
        await working.opened;
        await known.send({ n: 2 });
        await member.client.producer(results).send({ n: 3 });
      });
      await context.until('it runs', () => context.runs.length === 1);
      const closing = member.client.close();
      throwsWith(() => member.client.consumer(queue, {}, () => undefined), 'CLOSED');
      working.open();
      await closing;
      assert.equal(context.runs[0]?.result, 'returned');
      await rejectsWith(known.send({ n: 4 }), 'CLOSED', 'not-sent');
      await context.consume(await context.connect(), results, {});
      await context.untilHandled(3);
    },
  },
  {
    name: 'stop does not wait for retries that are not due yet, and they are not lost',
    async run(context) {
      const queue = context.queue('jobs');
      const [first, second] = [await context.connect(), await context.connect()];
      await context.sendJobs(first, queue, jobs(3));
      const consumer = await context.consume(first, queue, { retry: attempts(3, 1500) }, fails);
      await context.until(
        'all have failed',
        () => context.log.events.filter(({ event }) => event.type === 'retry').length === 3,
      );
      const before = Date.now();
      await consumer.stop();
      assert.ok(Date.now() - before < 1200, 'stop waited for the retries');
      await context.consume(second, queue, {});
      await context.untilHandled(3);
      assert.ok(context.runs.every(({ member, attempt }) => attempt === (member === second.name ? 2 : 1)));
    },
  },
  {
    name: 'wrong options are refused when the consumer is built',
    async run(context) {
      const { client } = await context.connect();
      const [queue, topic] = [context.queue('jobs'), context.topic('news')];
      const none = (): void => undefined;
      throwsWith(() => client.consumer(topic, {}, none), 'INVALID_OPTION');
      throwsWith(() => client.consumer(queue, { group: 'readers' }, none), 'INVALID_OPTION');
      throwsWith(() => client.consumer(queue, { concurrency: 0 }, none), 'INVALID_OPTION');
      throwsWith(() => client.consumer(queue, { leaseMs: 10 }, none), 'INVALID_OPTION');
      throwsWith(() => client.consumer(queue, { misspelt: true } as never, none), 'INVALID_OPTION');
      throwsWith(() => client.consumer(topic, { group: 'Not A Name' }, none), 'INVALID_OPTION');
    },
  },
]);
