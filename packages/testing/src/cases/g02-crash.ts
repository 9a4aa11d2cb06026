import assert from 'node:assert/strict';
import type { Driver, SettleOutcome } from '@anymq/core/driver';
import type { CaseContext } from '../case-context.ts';
import { casesOf, type ConformanceCase } from '../conformance-case.ts';
import { attempts, jobs } from '../ingredients.ts';
import { wrapDriver } from '../wrap-driver.ts';

type Kind = SettleOutcome['kind'];
type Moment = 'before' | 'after';

const crashes: readonly { readonly kind: Kind; readonly moment: Moment; readonly name: string }[] = [
  { kind: 'acknowledge', moment: 'before', name: 'between the end of the handler and its acknowledgement' },
  { kind: 'acknowledge', moment: 'after', name: 'right after the acknowledgement' },
  { kind: 'retry', moment: 'before', name: 'before the retry copy is written' },
  { kind: 'retry', moment: 'after', name: 'right after the retry copy was written' },
  { kind: 'deadLetter', moment: 'before', name: 'before the dead letter is written' },
  { kind: 'deadLetter', moment: 'after', name: 'right after the dead letter was written' },
];

export const crash: readonly ConformanceCase[] = casesOf('G2', [
  {
    name: 'a crash while handlers run: another process handles what they had',
    async run(context) {
      const queue = context.queue('jobs');
      const first = await context.connect();
      await context.sendJobs(first, queue, jobs(10));
      const blocked = context.gate();
      await context.consume(first, queue, { concurrency: 4, leaseMs: 1000 }, () => blocked.opened);
      await context.until('4 handlers run', () => context.runs.length === 4);
      await context.crash(first);
      blocked.open();
      await context.consume(await context.connect(), queue, { leaseMs: 1000 });
      await context.untilHandled(10, 30_000);
    },
  },
  {
    name: 'a crash in the middle of a stream loses nothing of it',
    async run(context) {
      const queue = context.queue('jobs');
      const first = await context.connect();
      await context.sendJobs(first, queue, jobs(200));
      await context.consume(first, queue, { concurrency: 10, leaseMs: 1000 });
      await context.untilHandled(50);
      await context.crash(first);
      await context.consume(await context.connect(), queue, { concurrency: 10, leaseMs: 1000 });
      await context.untilHandled(200, 30_000);
    },
  },
  {
    name: 'a second process that was there already takes over what a crashed one had',
    async run(context) {
      const topic = context.topic('news', { groups: ['readers'] });
      const [first, second] = [await context.connect(), await context.connect()];
      await first.client.provision([topic]);
      const blocked = context.gate();
      const options = { group: 'readers', concurrency: 5, leaseMs: 1000 };
      await context.consume(first, topic, options, () => blocked.opened);
      await context.sendJobs(first, topic, jobs(5));
      await context.until('5 handlers run', () => context.runs.length === 5);
      await context.consume(second, topic, options);
      await context.crash(first);
      await context.untilHandled(5, 30_000);
      assert.ok(context.runs.every(({ member, result }) => result !== 'returned' || member === second.name));
    },
  },
  {
    name: 'messages that ended out of order: after a crash only the unfinished ones run again',
    async run(context) {
      const queue = context.queue('jobs');
      const settled = new Set<unknown>();
      const first = await context.connect({ wrap: (driver) => noteAcknowledged(driver, settled, context) });
      await context.sendJobs(first, queue, jobs(10));
      const blocked = context.gate();
      await context.consume(first, queue, { concurrency: 10, leaseMs: 1000 }, ({ id }) =>
        Number(id) % 2 === 1 ? blocked.opened : undefined,
      );
      await context.until('the even ones were acknowledged', () => settled.size === 5 && context.runs.length === 10);
      await context.crash(first);
      const second = await context.connect();
      await context.consume(second, queue, { leaseMs: 1000 });
      await context.untilHandled(10, 30_000);
      const again = context.runs.filter(({ member }) => member === second.name);
      assert.deepEqual(
        again.map(({ id }) => Number(id) % 2),
        [1, 1, 1, 1, 1],
      );
    },
  },
  {
    name: 'while its handler runs, a message is still at the broker',
    async run(context) {
      const queue = context.queue('jobs');
      const member = await context.connect();
      await context.send(member, queue, { n: 1 });
      const blocked = context.gate();
      await context.consume(member, queue, {}, () => blocked.opened);
      await context.until('the handler runs', () => context.runs.length === 1);
      const { backlog, inFlight } = await (await context.connect()).client.inspect(queue);
      if (backlog.exact && inFlight.exact) assert.equal((backlog.value ?? 1) + (inFlight.value ?? 0), 1);
      blocked.open();
      await context.untilHandled(1);
    },
  },
  ...crashes.map(({ kind, moment, name }) => ({
    name: `a crash ${name}`,
    run: (context: CaseContext) => crashAtSettlement(context, kind, moment),
  })),
]);

/** The first process dies around a settlement. Whatever it did, the message is handled or dead-lettered in the end, and shown once. */
async function crashAtSettlement(context: CaseContext, kind: Kind, moment: Moment): Promise<void> {
  const queue = context.queue('jobs');
  const died = context.gate();
  const first = await context.connect({
    wrap: (driver) =>
      atSettlement(driver, kind, async (settle) => {
        if (moment === 'after') await settle();
        await context.crash(first);
        died.open();
      }),
  });
  const options = { retry: kind === 'deadLetter' ? (false as const) : attempts(3), leaseMs: 1000, concurrency: 1 };
  await context.send(first, queue, { n: 1 }, { id: 'victim' });
  const behave = kind === 'acknowledge' ? undefined : failing(kind);
  await context.consume(first, queue, options, behave);
  await died.opened;
  const second = await context.connect();
  await context.send(second, queue, { n: 2 }, { id: 'later' });
  await context.consume(second, queue, options, behave);
  await context.until('the later one was handled', () => context.handled().has('later'), 30_000);
  if (kind === 'deadLetter') {
    const letters = await context.untilLetters(second, queue, 1);
    assert.deepEqual(
      letters.map(({ id }) => id),
      ['victim'],
    );
    await second.client.deadLetters(queue).purge();
  } else {
    await context.until('the victim was handled', () => context.handled().has('victim'), 30_000);
    assert.deepEqual(await context.letters(second, queue), []);
  }
}

function failing(kind: Kind): (run: { readonly id: string; readonly attempt: number }) => void {
  return ({ id, attempt }) => {
    if (id === 'victim' && (kind === 'deadLetter' || attempt === 1)) throw new Error('fails');
  };
}

function atSettlement(driver: Driver, kind: Kind, dies: (settle: () => Promise<unknown>) => Promise<void>): Driver {
  return wrapDriver(driver, {
    receiver: (inner) => ({
      async settleBatch(items) {
        if (!items.some(({ outcome }) => outcome.kind === kind)) return inner.settleBatch(items);
        await dies(() => inner.settleBatch(items));
        throw new Error('the process is dead');
      },
    }),
  });
}

function noteAcknowledged(driver: Driver, settled: Set<unknown>, context: CaseContext): Driver {
  return wrapDriver(driver, {
    receiver: (inner) => ({
      async settleBatch(items) {
        const results = await inner.settleBatch(items);
        for (const [index, { token, outcome }] of items.entries()) {
          if (outcome.kind === 'acknowledge' && results[index]?.ok === true) settled.add(token);
        }
        context.log.wake();
        return results;
      },
    }),
  });
}
