import assert from 'node:assert/strict';
import type { ConsumerOptions, Queue } from '@anymq/core';
import type { Driver, Received, Receiver } from '@anymq/core/driver';
import type { Behaviour, CaseContext, Job } from '../case-context.ts';
import { casesOf, type ConformanceCase } from '../conformance-case.ts';
import { attempts, jobs, ordered } from '../ingredients.ts';
import type { Member } from '../member.ts';

export const killers: readonly ConformanceCase[] = casesOf('G4', [
  {
    name: 'a message that kills its process is dead-lettered after crashLimit deaths; 20 innocents beside it are handled, uncharged',
    async run(context) {
      const queue = context.queue('jobs');
      const sender = await context.connect();
      await context.send(sender, queue, { n: 0 }, { id: 'killer' });
      await context.sendJobs(sender, queue, jobs(20));
      const options = { concurrency: 5, leaseMs: 1000, retry: attempts(2), crashLimit: 3 };
      // In the first life others run beside the killer, and still others are merely fetched.
      const runningBeside = (): number =>
        context.runs.filter(({ id, result }) => id !== 'killer' && result === 'running').length;
      const { deaths, survivor } = await liveUntilSetAside(context, queue, options, async (life) => {
        if (life === 1) await context.until('others run beside the killer', () => runningBeside() === 4);
      });
      await context.untilHandled(20, 30_000);
      // In the first two deaths the killer was one of many: only those in runs that were marked count towards the limit.
      assert.ok(deaths >= 3 && deaths <= 5, `${deaths} deaths`);
      await proveOnlyKillerSetAside(context, queue, survivor);
    },
  },
  {
    name: 'on an ordered destination the killer is set aside and its key goes on, in order',
    async run(context) {
      const queue = context.queue('jobs', ordered);
      const sender = await context.connect();
      await context.send(sender, queue, { n: 0, key: 'a' }, { id: 'killer' });
      await context.sendJobs(
        sender,
        queue,
        jobs(8, (n) => ({ key: n % 2 === 0 ? 'a' : 'b' })),
      );
      const { deaths, survivor } = await liveUntilSetAside(context, queue, {
        leaseMs: 1000,
        retry: attempts(2),
        crashLimit: 2,
      });
      await context.untilHandled(8, 30_000);
      assert.ok(deaths >= 2 && deaths <= 4, `${deaths} deaths`);
      await proveOnlyKillerSetAside(context, queue, survivor);
      const ofA = context.runs.filter(({ key, result }) => key === 'a' && result === 'returned');
      assert.deepEqual(
        ofA.map(({ id }) => id),
        ['2', '4', '6', '8'],
      );
    },
  },
  {
    name: 'what was merely fetched when its process died is never charged, however often that happens',
    async run(context) {
      const queue = context.queue('jobs');
      const sender = await context.connect();
      await context.sendJobs(sender, queue, jobs(4));
      for (let life = 1; life <= 4; life++) {
        const driver = await context.driver();
        const receiver = await driver.openReceiver(
          { kind: 'queue', name: 'jobs', ordering: 'none', partitions: 8 },
          { maxInFlight: 10, maxBytes: 1_000_000, ordered: false, leaseMs: 1000, onLost: () => undefined },
        );
        for (let got = 0; got < 4;) {
          const { length } = await receiver.receive({
            signal: AbortSignal.timeout(context.within()),
            maxMessages: 10,
            maxBytes: 1_000_000,
          });
          assert.ok(length > 0, 'nothing was received in time');
          got += length;
        }
        await context.harness.crash(driver);
      }
      const last = await context.connect();
      await context.consume(last, queue, { leaseMs: 1000, crashLimit: 2 });
      await context.untilHandled(4, 30_000);
      assert.ok(context.runs.every(({ attempt }) => attempt === 1));
      assert.deepEqual(await context.letters(last, queue), []);
    },
  },
  {
    name: 'a run that is marked again, as after a failure in its lane, is one death',
    async run(context) {
      const member = await context.connect();
      const queue = context.queue('jobs', { ...ordered, partitions: 1 });
      await context.sendJobs(
        member,
        queue,
        jobs(1, () => ({ key: 'a' })),
      );
      const counts: number[] = [];
      for (let life = 1; life <= 4; life++) {
        const driver = await context.driver();
        const { receiver, received } = await receiveOne(context, driver);
        counts.push(received.crashCount);
        for (let marks = 0; life === 3 && marks < 2; marks++) await receiver.markStarted?.([received.token]);
        await context.harness.crash(driver);
      }
      assert.equal((counts[3] ?? 0) - (counts[2] ?? 0), 1, `crash counts ${counts.join(', ')}`);
      const last = await context.connect();
      await context.consume(last, queue, { leaseMs: 1000, crashLimit: 100 });
      await context.untilHandled(1, 30_000);
    },
  },
  {
    name: 'a message that was running beside a death, and is innocent, is handled at attempt 1 and forgotten',
    async run(context) {
      const queue = context.queue('jobs');
      const first = await context.connect();
      await context.sendJobs(first, queue, jobs(3));
      const blocked = context.gate();
      await context.consume(first, queue, { leaseMs: 1000, crashLimit: 1 }, () => blocked.opened);
      await context.until('all run', () => context.runs.length === 3);
      await context.crash(first);
      const second = await context.connect();
      await context.consume(second, queue, { leaseMs: 1000, crashLimit: 1, retry: false });
      await context.untilHandled(3, 30_000);
      assert.ok(context.runs.every(({ attempt }) => attempt === 1));
      assert.deepEqual(await context.letters(second, queue), []);
    },
  },
]);

async function receiveOne(
  context: CaseContext,
  driver: Driver,
): Promise<{ readonly receiver: Receiver; readonly received: Received }> {
  const receiver = await driver.openReceiver(
    { kind: 'queue', name: 'jobs', ordering: 'key', partitions: 1 },
    { maxInFlight: 10, maxBytes: 1_000_000, ordered: true, leaseMs: 1000, onLost: () => undefined },
  );
  const signal = AbortSignal.timeout(context.within(30_000));
  for (;;) {
    const [received] = await receiver.receive({ signal, maxMessages: 1, maxBytes: 1_000_000 });
    if (received !== undefined) return { receiver, received };
    signal.throwIfAborted();
  }
}

/** Starts a new process after every death, until the killer has been set aside. */
async function liveUntilSetAside(
  context: CaseContext,
  queue: Queue<Job>,
  options: ConsumerOptions,
  beforeDeath: (life: number) => Promise<void> = () => Promise.resolve(),
): Promise<{ readonly deaths: number; readonly survivor: Member }> {
  let deaths = 0;
  const setAside = (): boolean =>
    context.log.events.some(({ event }) => event.type === 'dead-letter' && event.id === 'killer');
  for (let life = 1; ; life++) {
    const member = await context.connect();
    const behave: Behaviour = async ({ id }) => {
      if (id !== 'killer') return life === 1 ? member.buried.opened : undefined;
      await beforeDeath(life);
      deaths = life;
      await context.crash(member);
      context.log.wake();
    };
    await context.consume(member, queue, options, behave);
    await context.until(
      `the killer killed process ${life} or was set aside`,
      () => deaths === life || setAside(),
      30_000,
    );
    if (setAside()) return { deaths, survivor: member };
    assert.ok(life < 10, 'ten processes died');
  }
}

async function proveOnlyKillerSetAside(context: CaseContext, queue: Queue<Job>, survivor: Member): Promise<void> {
  const innocents = context.runs.filter(({ id }) => id !== 'killer');
  assert.ok(
    innocents.every(({ attempt }) => attempt === 1),
    'an innocent was charged',
  );
  const letters = await context.untilLetters(survivor, queue, 1);
  assert.deepEqual(
    letters.map(({ id }) => id),
    ['killer'],
  );
  context.leaves(queue, { deadLetters: 1 });
}
