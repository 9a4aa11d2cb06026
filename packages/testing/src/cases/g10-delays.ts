import assert from 'node:assert/strict';
import { release, retryLater } from '@anymq/core';
import type { Driver } from '@anymq/core/driver';
import { rejectsWith } from '../assertions.ts';
import type { CaseContext } from '../case-context.ts';
import { casesOf, type ConformanceCase } from '../conformance-case.ts';
import { attempts, failsFirst, jobs } from '../ingredients.ts';
import { Pauses } from '../pauses.ts';
import type { Run } from '../run-log.ts';
import { shortDelays } from '../short-delays.ts';

/** A clock that shows whole milliseconds, and a timer that may fire a fraction early. */
const roundingMs = 3;

/**
 * At the contract's word, not scaled: not before `dueAt`, and at most 1 s + 2 % of the delay later, in which this process
 * was given a processor.
 */
function assertPunctual(
  pauses: Pauses,
  { startedAt, id }: Pick<Run, 'startedAt' | 'id'>,
  dueFrom: number,
  dueTo: number,
  delayMs: number,
): void {
  assert.ok(startedAt >= dueFrom - roundingMs, `${id} came ${dueFrom - startedAt} ms before its time`);
  const lateMs = startedAt - dueTo - pauses.between(dueTo, startedAt);
  assert.ok(lateMs <= 1000 + delayMs * 0.02, `${id} came ${lateMs} ms late`);
}

/** While pauses of this process are noticed. */
function watched(run: (context: CaseContext, pauses: Pauses) => Promise<void>): ConformanceCase['run'] {
  return async (context) => {
    const pauses = new Pauses();
    try {
      await run(context, pauses);
    } finally {
      pauses.stop();
    }
  };
}

async function sendsDelayed(
  context: CaseContext,
  pauses: Pauses,
  delaysMs: readonly number[],
  wrap?: (driver: Driver) => Driver,
): Promise<void> {
  const member = await context.connect(wrap === undefined ? {} : { wrap });
  const queue = context.queue('jobs');
  await context.consume(member, queue, {});
  const producer = context.producer(member, queue);
  const sent = await Promise.all(
    delaysMs.map(async (delayMs) => {
      const from = Date.now();
      const { id } = await producer.send({ n: delayMs }, { delayMs });
      return { id, delayMs, from, to: Date.now() };
    }),
  );
  await context.pass(Math.max(...delaysMs));
  await context.untilHandled(delaysMs.length);
  for (const { id, delayMs, from, to } of sent) {
    const [run = assert.fail('it did not run'), ...more] = context.runsOf(id);
    assert.equal(more.length, 0);
    assert.equal(run.attempt, 1);
    assertPunctual(pauses, run, from + delayMs, to + delayMs, delayMs);
  }
}

export const delays: readonly ConformanceCase[] = casesOf('G10', [
  {
    name: 'delayed sends arrive not before their time and not much after it',
    run: watched((context, pauses) => sendsDelayed(context, pauses, [0, 1, 20, 250, 1000, 2500])),
  },
  {
    name: 'a delay that is longer than the driver keeps by itself takes many hops, and is as punctual',
    run: watched((context, pauses) =>
      sendsDelayed(context, pauses, [150, 700, 1500], (driver) => shortDelays(driver, 120)),
    ),
  },
  {
    name: 'retries come not before their time, and hops charge nothing',
    run: watched(async (context, pauses) => {
      const member = await context.connect({ wrap: (driver) => shortDelays(driver, 150) });
      const queue = context.queue('jobs');
      await context.sendJobs(member, queue, jobs(5));
      await context.consume(member, queue, { retry: attempts(3, 500) }, failsFirst(2));
      await context.untilHandled(5);
      for (const { n } of jobs(5)) {
        const runs = context.runsOf(String(n));
        assert.deepEqual(
          runs.map(({ attempt }) => attempt),
          [1, 2, 3],
        );
        for (const [index, run] of runs.slice(1).entries()) {
          const due = (runs[index]?.endedAt ?? 0) + 500;
          assertPunctual(pauses, run, due, due, 500);
        }
      }
    }),
  },
  {
    name: 'retryLater and release wait as long as they say',
    run: watched(async (context, pauses) => {
      const member = await context.connect();
      const queue = context.queue('jobs');
      await context.sendJobs(member, queue, jobs(2));
      const waits = new Map([
        ['1', retryLater(400)],
        ['2', release({ delayMs: 400 })],
      ]);
      await context.consume(member, queue, {}, ({ id }) =>
        context.runsOf(id).length === 1 ? waits.get(id) : undefined,
      );
      await context.until(
        'both ran twice',
        () => context.runs.filter(({ result }) => result === 'returned').length === 4,
      );
      for (const id of waits.keys()) {
        const [first, second = assert.fail('it did not run again')] = context.runsOf(id);
        const due = (first?.endedAt ?? 0) + 400;
        assertPunctual(pauses, second, due, due, 400);
      }
    }),
  },
  {
    name: 'a delayed message outlives the client that sent it, and its crash',
    async run(context) {
      const queue = context.queue('jobs');
      const [closing, crashing] = [await context.connect(), await context.connect()];
      const from = Date.now();
      await context.send(closing, queue, { n: 1 }, { id: 'of-closed', delayMs: 600 });
      await context.send(crashing, queue, { n: 2 }, { id: 'of-crashed', delayMs: 600 });
      await closing.client.close();
      await context.crash(crashing);
      await context.consume(await context.connect(), queue, {});
      await context.untilHandled(2);
      for (const { startedAt } of context.runs) assert.ok(startedAt >= from + 600 - roundingMs, 'before its time');
    },
  },
  {
    name: 'a waiting retry outlives the process that decided it',
    async run(context) {
      const queue = context.queue('jobs');
      const first = await context.connect();
      await context.send(first, queue, { n: 1 });
      await context.consume(first, queue, { retry: attempts(3, 500), leaseMs: 1000 }, failsFirst(1));
      await context.until('the retry was decided', () =>
        context.log.events.some(({ event }) => event.type === 'retry'),
      );
      await context.crash(first);
      await context.consume(await context.connect(), queue, { leaseMs: 1000 });
      await context.untilHandled(1, 30_000);
    },
  },
  {
    name: 'a delayed message holds up nothing, and is counted as delayed',
    async run(context) {
      const member = await context.connect();
      const queue = context.queue('jobs');
      await context.send(member, queue, { n: 0 }, { id: 'far', delayMs: 3_600_000 });
      await context.consume(member, queue, { concurrency: 1 });
      await context.sendJobs(member, queue, jobs(5));
      await context.untilHandled(5);
      assert.ok(!context.handled().has('far'));
      const { delayed } = await member.client.inspect(queue);
      if (delayed.exact) assert.equal(delayed.value, 1);
      context.leaves(queue, { delayed: 1 });
    },
  },
  {
    name: 'a delay below 0, above 7 days or that is no number is refused',
    async run(context) {
      const producer = (await context.connect()).client.producer(context.queue('jobs'));
      for (const delayMs of [-1, 604_800_001, Number.NaN, Infinity])
        await rejectsWith(producer.send({ n: 1 }, { delayMs }), 'INVALID_OPTION');
    },
  },
  {
    name: 'a delay beyond the retention is refused',
    needs: ['history'],
    async run(context) {
      const producer = (await context.connect()).client.producer(context.queue('jobs', { retentionMs: 60_000 }));
      await rejectsWith(producer.send({ n: 1 }, { delayMs: 60_001 }), 'INVALID_OPTION');
    },
  },
]);
