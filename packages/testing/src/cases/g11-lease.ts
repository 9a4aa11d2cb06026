import assert from 'node:assert/strict';
import type { Driver, Received, Token } from '@anymq/core/driver';
import { mostAtOnce } from '../assertions.ts';
import type { Behaviour, CaseContext } from '../case-context.ts';
import { casesOf, type ConformanceCase } from '../conformance-case.ts';
import { jobs, ordered } from '../ingredients.ts';
import { createLosingDriver } from '../losing-driver.ts';
import { wrapDriver } from '../wrap-driver.ts';

export const lease: readonly ConformanceCase[] = casesOf('G11', [
  ...[false, true].map((isOrdered) => ({
    name: `a handler that runs for much longer than its lease keeps its message${isOrdered ? ' (ordered)' : ''}, though another member is idle`,
    async run(context: Parameters<ConformanceCase['run']>[0]) {
      const queue = context.queue('jobs', isOrdered ? ordered : {});
      const [first, second] = [await context.connect(), await context.connect()];
      await context.sendJobs(
        first,
        queue,
        jobs(3, (n) => ({ key: `key-${n}` })),
      );
      const options = { leaseMs: 1500, concurrency: 3 };
      // Real time is what this is about: the lease would end twice meanwhile.
      const slow = (): Promise<void> => context.pass(3500);
      await context.consume(first, queue, options, slow);
      await context.until('all run', () => context.runs.length === 3);
      await context.consume(second, queue, options, slow);
      await slow();
      await context.untilHandled(3);
      assert.equal(context.runs.length, 3);
    },
  })),
  {
    name: 'what waits in its lane behind a slow one, or for a free slot, is kept as well',
    async run(context) {
      const queue = context.queue('jobs', ordered);
      const [first, second] = [await context.connect(), await context.connect()];
      await context.sendJobs(
        first,
        queue,
        jobs(4, () => ({ key: 'a' })),
      );
      const options = { leaseMs: 1500, concurrency: 2 };
      await context.consume(first, queue, options, ({ id }) => (id === '1' ? context.pass(2600) : undefined));
      await context.until('the first runs', () => context.runs.length === 1);
      await context.consume(second, queue, options);
      await context.pass(2600);
      await context.untilHandled(4);
      assert.deepEqual(
        context.runs.map(({ id }) => id),
        ['1', '2', '3', '4'],
      );
    },
  },
  {
    name: 'a message that is delivered again while its handler runs here is joined to that run',
    async run(context) {
      const settled = new Set<string>();
      const member = await context.connect({ wrap: (driver) => deliveringTwice(driver, settled) });
      const queue = context.queue('jobs');
      await context.send(member, queue, { n: 1 });
      const blocked = context.gate();
      await context.consume(member, queue, { concurrency: 5 }, () => blocked.opened);
      await context.until('it was joined', () => context.log.events.some(({ event }) => event.type === 'joined'));
      blocked.open();
      await context.untilHandled(1);
      await context.send(member, queue, { n: 2 });
      await context.untilHandled(2);
      assert.equal(mostAtOnce(context.runs.slice(0, 1)), 1);
      assert.equal(context.runs.length, 2);
      await context.emptied(member, queue);
      assert.ok(settled.has('the first') || settled.has('the copy'), 'no delivery was settled');
    },
  },
  {
    name: 'what the driver reports as lost is aborted, its outcome is dropped, and it runs again',
    async run(context) {
      const lost = createLosingDriver();
      const member = await context.connect({ wrap: lost.wrap });
      const queue = context.queue('jobs');
      await context.send(member, queue, { n: 1 }, { id: 'one' });
      const late = context.gate();
      const reasons: unknown[] = [];
      await context.consume(member, queue, { retry: false }, async (_run, { signal }) => {
        if (context.runs.length > 1) return;
        const aborted = context.gate();
        signal.addEventListener('abort', () => aborted.open(), { once: true });
        await lost.lose('expired');
        await aborted.opened;
        reasons.push(signal.reason);
        context.log.wake();
        await late.opened;
        throw new Error('this outcome is dropped');
      });
      await context.until('it runs again', () => reasons.length === 1);
      late.open();
      await context.untilHandled(1);
      assert.ok(
        context.log.events.some(({ event }) => event.type === 'lost'),
        'no lost event',
      );
      assert.deepEqual(
        context.runs.map(({ attempt }) => attempt),
        [1, 1],
      );
      assert.deepEqual(await context.letters(member, queue), []);
    },
  },
  {
    name: "past the driver's maxRunMs the handler's signal aborts, its outcome is dropped, and it runs again, uncharged",
    async run(context) {
      const queue = context.queue('jobs');
      const member = await context.connect({ wrap: runningAtMost(1500) });
      await context.send(member, queue, { n: 1 });
      await context.consume(member, queue, { leaseMs: 1000, retry: false }, overrunsOnce(context));
      await context.untilHandled(1);
      assert.deepEqual(
        context.runs.map(({ attempt }) => attempt),
        [1, 1],
      );
      assert.deepEqual(await context.letters(member, queue), []);
    },
  },
  {
    name: "past the driver's maxRunMs a message keeps its place in its key",
    async run(context) {
      const queue = context.queue('jobs', ordered);
      const [first, second] = [await context.connect({ wrap: runningAtMost(1500) }), await context.connect()];
      const sent = jobs(4, () => ({ key: 'a' }));
      await context.sendJobs(first, queue, sent);
      await context.consume(first, queue, { leaseMs: 1000 }, overrunsOnce(context));
      await context.until('it runs', () => context.runs.length === 1);
      await context.consume(second, queue, { leaseMs: 1000 });
      await context.untilHandled(4);
      assert.deepEqual(
        context.runs.map(({ id, attempt }) => `${id}/${attempt}`),
        ['1/1', '1/1', '2/1', '3/1', '4/1'],
      );
    },
  },
]);

function runningAtMost(maxRunMs: number): (driver: Driver) => Driver {
  return (driver) => wrapDriver(driver, { driver: ({ limits }) => ({ limits: { ...limits, maxRunMs } }) });
}

/** The first run of all goes on until its signal aborts, and fails then. */
function overrunsOnce(context: CaseContext): Behaviour {
  const began = Date.now();
  return async (_run, { signal }) => {
    if (context.runs.length > 1) return;
    const aborted = context.gate();
    signal.addEventListener('abort', () => aborted.open(), { once: true });
    await aborted.opened;
    assert.ok(Date.now() - began >= 1000, 'aborted long before its time');
    throw new Error('this outcome is dropped');
  };
}

/**
 * The first message of a receiver is delivered a second time while it is in hand, with another token, as after an extension
 * that came too late. Either token settles it; the broker's own is what it was.
 */
function deliveringTwice(driver: Driver, settled: Set<string>): Driver {
  return wrapDriver(driver, {
    receiver: (inner) => {
      const copy = { token: {} };
      let first: Received | undefined;
      let isDue = false;
      const original = (token: Token): Token => (token === copy.token ? (first?.token ?? token) : token);
      return {
        async receive(options) {
          if (isDue && first !== undefined) {
            isDue = false;
            return [{ ...first, ...copy, redelivered: true }];
          }
          const received = await inner.receive(options);
          if (first === undefined && received[0] !== undefined) {
            [first] = received;
            isDue = true;
          }
          return received;
        },
        settleBatch(items) {
          for (const { token } of items)
            settled.add(token === copy.token ? 'the copy' : token === first?.token ? 'the first' : 'another');
          return inner.settleBatch(items.map((item) => ({ ...item, token: original(item.token) })));
        },
        extendLease: (tokens) => inner.extendLease([...new Set(tokens.map(original))]),
      };
    },
  });
}
