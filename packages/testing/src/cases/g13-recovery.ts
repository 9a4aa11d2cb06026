import assert from 'node:assert/strict';
import { AnymqError } from '@anymq/core';
import type { Driver } from '@anymq/core/driver';
import { isAnymqError } from '../assertions.ts';
import type { CaseContext } from '../case-context.ts';
import { casesOf, type ConformanceCase } from '../conformance-case.ts';
import { eventually } from '../eventually.ts';
import { attempts, breathe, classifyScripted, firstTimes, jobs, ScriptedError } from '../ingredients.ts';
import { createLosingDriver } from '../losing-driver.ts';
import { wrapDriver } from '../wrap-driver.ts';

const offline = new ScriptedError({ code: 'NOT_CONNECTED', retryable: true, outcome: 'not-sent' });
const denied = new ScriptedError({ code: 'ACCESS_DENIED', retryable: false });

export const recovery: readonly ConformanceCase[] = casesOf('G13', [
  {
    name: 'a receive that fails for a passing reason is tried again: recovering, then running',
    async run(context) {
      const failing = firstTimes(2);
      const member = await context.connect({ wrap: (driver) => beforeReceive(driver, () => failing()) });
      const queue = context.queue('jobs');
      await context.sendJobs(member, queue, jobs(3));
      const consumer = await context.consume(member, queue, {});
      await context.untilHandled(3);
      await context.until('it is running again', () => consumer.state === 'running');
      const states = context.log.events.flatMap(({ event }) => (event.type === 'consumer-state' ? [event.state] : []));
      assert.ok(states.includes('recovering'), `states: ${states.join(', ')}`);
    },
  },
  {
    name: 'a permanent error ends the consumer loudly: failed, finished rejects, check() tells',
    async run(context) {
      const member = await context.connect({
        wrap: (driver) =>
          wrapDriver(driver, { driver: classifyScripted, receiver: () => ({ receive: () => Promise.reject(denied) }) }),
      });
      const queue = context.queue('jobs');
      const consumer = context.consumer(member, queue, {});
      const ended = consumer.finished.then(
        () => assert.fail('finished resolved'),
        (error: unknown) => isAnymqError(error, 'ACCESS_DENIED'),
      );
      await consumer.start();
      await ended;
      assert.equal(consumer.state, 'failed');
      const { ok, consumers } = await member.client.check();
      assert.equal(ok, false);
      assert.equal(consumers[0]?.state, 'failed');
      assert.equal(consumers[0].error?.code, 'ACCESS_DENIED');
    },
  },
  {
    name: 'a lost connection: what was in hand runs again, and nothing is lost',
    async run(context) {
      const cut = createLosingDriver();
      const member = await context.connect({ wrap: cut.wrap });
      const queue = context.queue('jobs');
      await context.sendJobs(member, queue, jobs(30));
      await context.consume(member, queue, { concurrency: 5 }, breathe);
      await context.untilHandled(5);
      await cut.lose('disconnected');
      await context.untilHandled(30);
      assert.deepEqual(await context.letters(member, queue), []);
    },
  },
  {
    name: 'check() says that all is well when it is, and never rejects when it is not',
    async run(context) {
      const healthy = await context.connect();
      const queue = context.queue('jobs');
      await context.consume(healthy, queue, {});
      await context.send(healthy, queue, { n: 1 });
      await context.untilHandled(1);
      // Progress is what was confirmed, some time after the handler ended.
      const well = await eventually(
        async () => {
          const health = await healthy.client.check();
          return health.consumers[0]?.lastProgressAt === null ? undefined : health;
        },
        context.within(),
        () => 'check() shows no progress',
      );
      assert.ok(well.ok && well.brokers.every(({ ok }) => ok) && well.brokers.length === 1);
      assert.equal(well.consumers[0]?.state, 'running');
      assert.ok(well.consumers[0].lastProgressAt instanceof Date);
      const ill = await context.connect({
        wrap: (driver) =>
          wrapDriver(driver, {
            driver: (inner) => ({ ...classifyScripted(inner), check: () => Promise.reject(offline) }),
          }),
      });
      const found = await ill.client.check();
      assert.equal(found.ok, false);
      assert.equal(found.brokers[0]?.error?.code, 'NOT_CONNECTED');
    },
  },
  {
    name: 'a destination that is deleted under its consumer: it goes on when it is there again, or fails loudly; never in silence',
    async run(context) {
      const [member, other] = [await context.connect(), await context.connect()];
      const queue = context.queue('jobs');
      const consumer = await context.consume(member, queue, {});
      const failure = consumer.finished.then(
        () => undefined,
        (error: unknown) => error,
      );
      await context.send(other, queue, { n: 1 });
      await context.untilHandled(1);
      await context.emptied(other, queue);
      await other.client.remove([queue]);
      const again = await context.connect();
      await context.send(again, queue, { n: 2 });
      await context.until(
        'it went on or failed',
        () => context.handled().size === 2 || consumer.state === 'failed',
        60_000,
      );
      if (consumer.state !== 'failed') return;
      assert.ok(AnymqError.isInstance(await failure), 'finished rejects with a typed error');
      await context.consume(again, queue, {});
      await context.untilHandled(2);
    },
  },
  {
    name: 'a listener that throws disturbs nothing',
    async run(context) {
      const member = await context.connect({
        onEvent() {
          throw new Error("the user's mistake");
        },
      });
      const queue = context.queue('jobs');
      await context.sendJobs(member, queue, jobs(3));
      await context.consume(member, queue, { retry: attempts(2) }, ({ attempt }) => {
        if (attempt === 1) throw new Error('fails');
      });
      await context.untilHandled(3);
    },
  },
  {
    name: 'the broker restarts in the middle: nothing that was confirmed is lost, all go on by themselves',
    needs: ['restartBroker'],
    alone: true,
    run: (context) => outage(context, 'restartBroker'),
  },
  {
    name: 'all connections are cut in the middle: nothing that was confirmed is lost, all go on by themselves',
    needs: ['cutConnections'],
    alone: true,
    run: (context) => outage(context, 'cutConnections'),
  },
  {
    name: 'delayed messages and waiting retries outlive a restart of the broker',
    needs: ['restartBroker'],
    alone: true,
    async run(context) {
      const member = await context.connect();
      const queue = context.queue('jobs');
      await context.send(member, queue, { n: 1 }, { delayMs: 1500 });
      await context.send(member, queue, { n: 2 }, { id: 'fails' });
      await context.consume(member, queue, { retry: attempts(2, 1500) }, ({ id, attempt }) => {
        if (id === 'fails' && attempt === 1) throw new Error('fails');
      });
      await context.until('the retry was decided', () =>
        context.log.events.some(({ event }) => event.type === 'retry'),
      );
      await context.harness.restartBroker?.();
      await context.untilHandled(2, 60_000);
    },
  },
]);

/** Sends and handles through an outage. */
async function outage(context: CaseContext, kind: 'restartBroker' | 'cutConnections'): Promise<void> {
  const [sender, receiver] = [await context.connect(), await context.connect()];
  const queue = context.queue('jobs');
  const producer = context.producer(sender, queue, { timeoutMs: context.within(60_000) });
  const consumer = await context.consume(receiver, queue, { concurrency: 5, leaseMs: 1000 }, breathe);
  const send = (from: number): Promise<unknown> =>
    Promise.all(
      jobs(from + 100)
        .slice(from)
        .map((job) => producer.send(job, { id: String(job.n) })),
    );
  const first = send(0);
  await context.untilHandled(10);
  const [disturbed, second] = [context.harness[kind]?.(), send(100)];
  await Promise.all([disturbed, first, second]);
  await context.untilHandled(200, 60_000);
  await context.until('the consumer is running', () => consumer.state === 'running', 30_000);
  assert.deepEqual(await context.letters(receiver, queue), []);
}

function beforeReceive(driver: Driver, failsNow: () => boolean): Driver {
  return wrapDriver(driver, {
    driver: classifyScripted,
    receiver: (inner) => ({ receive: (options) => (failsNow() ? Promise.reject(offline) : inner.receive(options)) }),
  });
}
