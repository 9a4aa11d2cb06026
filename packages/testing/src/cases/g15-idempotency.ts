import assert from 'node:assert/strict';
import { createMemoryStore, idempotent, type ConsumeHandler, type ConsumerOptions, type Middleware } from '@anymq/core';
import { mostAtOnce, throwsWith } from '../assertions.ts';
import { casesOf, type ConformanceCase } from '../conformance-case.ts';
import { attempts, breathe, fails, jobs } from '../ingredients.ts';
import type { Member } from '../member.ts';

type Store = ReturnType<typeof createMemoryStore>;

function once(member: Member, store: Store, rest: ConsumerOptions = {}, leaseMs = 1000): ConsumerOptions {
  return { ...rest, use: [idempotent({ store, clock: member.clock, leaseMs })] };
}

export const idempotency: readonly ConformanceCase[] = casesOf('G15', [
  {
    name: 'a message that was sent twice under one id runs once',
    async run(context) {
      const member = await context.connect();
      const queue = context.queue('jobs');
      for (const n of [1, 1, 2, 1, 2]) await context.send(member, queue, { n }, { id: String(n) });
      await context.consume(member, queue, once(member, createMemoryStore(), { concurrency: 1 }));
      await context.untilHandled(2);
      await context.send(member, queue, { n: 3 }, { id: '3' });
      await context.untilHandled(3);
      await context.emptied(member, queue);
      assert.deepEqual(context.runs.map(({ id }) => id).toSorted(), ['1', '2', '3']);
    },
  },
  {
    name: 'two of one id never run at once, also in two processes; the second comes when the first has failed',
    async run(context) {
      const queue = context.queue('jobs');
      const store = createMemoryStore();
      const [first, second] = [await context.connect(), await context.connect()];
      const blocked = context.gate();
      const behave = async (): Promise<void> => {
        const isFirst = context.runs.length === 1;
        await blocked.opened;
        if (isFirst) throw new Error('fails');
      };
      // What was put off comes again: a broker that cannot count what is delayed looks empty before.
      let ended = 0;
      const counting: Middleware<ConsumeHandler> = (next) => async (body, delivery) => {
        const outcome = await next(body, delivery);
        if (outcome === undefined) ended += 1;
        context.log.wake();
        return outcome;
      };
      for (const member of [first, second]) {
        // While the owner can renew: no pause of a busy machine is to be as long as the lease.
        const { use = [], ...options } = once(member, store, { retry: attempts(3) }, 3000);
        await context.consume(member, queue, { ...options, use: [counting, ...use] }, behave);
      }
      for (let copy = 0; copy < 4; copy++) await context.send(first, queue, { n: copy }, { id: 'same' });
      await context.until('one runs', () => context.runs.length === 1);
      await context.send(first, queue, { n: 9 }, { id: 'sentinel' });
      await context.until('the sentinel runs beside it', () => context.runsOf('sentinel').length === 1);
      assert.equal(context.runsOf('same').length, 1, 'two ran at once');
      blocked.open();
      await context.untilHandled(2, 30_000);
      await context.until('every copy was handled or left out', () => ended >= 5, 30_000);
      await context.emptied(first, queue);
      const runs = context.runsOf('same');
      assert.equal(mostAtOnce(runs), 1);
      assert.equal(runs.filter(({ result }) => result === 'returned').length, 1, 'it ran again after its completion');
    },
  },
  {
    name: 'a failed attempt frees the key: the retry runs, and after the last one the dead letter can be redriven',
    async run(context) {
      const member = await context.connect();
      const queue = context.queue('jobs');
      let broken = true;
      await context.send(member, queue, { n: 1 }, { id: 'one' });
      await context.consume(member, queue, once(member, createMemoryStore(), { retry: attempts(3) }), (run, delivery) =>
        broken ? fails(run, delivery) : undefined,
      );
      await context.untilLetters(member, queue, 1);
      assert.equal(context.runs.length, 3);
      broken = false;
      await member.client.deadLetters(queue).redrive();
      await context.untilHandled(1);
    },
  },
  {
    name: 'two groups of a topic do not share keys',
    async run(context) {
      const topic = context.topic('news', { groups: ['one', 'two'] });
      const store = createMemoryStore();
      const member = await context.connect();
      await member.client.provision([topic]);
      for (const group of ['one', 'two']) await context.consume(member, topic, once(member, store, { group }));
      await context.sendJobs(member, topic, jobs(3));
      await context.until(
        'both groups handled all',
        () => context.runs.filter(({ result }) => result === 'returned').length === 6,
      );
      assert.deepEqual(new Set(context.runs.map(({ delivery }) => delivery.group)), new Set(['one', 'two']));
    },
  },
  {
    name: 'a claim whose owner died is taken over when its lease has ended',
    async run(context) {
      const queue = context.queue('jobs');
      const store = createMemoryStore();
      const [first, second] = [await context.connect(), await context.connect()];
      await context.send(first, queue, { n: 1 }, { id: 'one' });
      const blocked = context.gate();
      const dead = { store, renews: true };
      const dying: Store = {
        ...bound(store),
        extend: (claims, options) => (dead.renews ? store.extend(claims, options) : Promise.reject(new Error('dead'))),
        release: () => Promise.resolve(),
      };
      await context.consume(first, queue, { ...once(first, dying), leaseMs: 1000 }, () => blocked.opened);
      await context.until('it runs', () => context.runs.length === 1);
      dead.renews = false;
      await context.crash(first);
      await context.consume(second, queue, { ...once(second, store), leaseMs: 1000 });
      await context.untilHandled(1, 30_000);
    },
  },
  {
    name: 'batches: what is completed is left out, and duplicates inside one batch run once',
    async run(context) {
      const member = await context.connect();
      const queue = context.queue('jobs');
      for (const n of [1, 2, 1, 3, 2]) await context.send(member, queue, { n }, { id: String(n) });
      const seen: number[] = [];
      const use = [idempotent({ store: createMemoryStore(), clock: member.clock })];
      await context.consumeBatches(member, queue, { maxMessages: 10, maxWaitMs: 50, use }, async (batch) => {
        seen.push(...batch.map(({ body }) => body.n));
        await breathe();
        context.log.wake();
      });
      await context.until('all three ran', () => new Set(seen).size === 3);
      await context.emptied(member, queue);
      assert.deepEqual(seen.length, 3);
    },
  },
  {
    name: "idempotent with acknowledge: 'before' is refused",
    async run(context) {
      const member = await context.connect();
      const options = { ...once(member, createMemoryStore()), acknowledge: 'before' } as const;
      throwsWith(() => member.client.consumer(context.queue('jobs'), options, () => undefined), 'INVALID_OPTION');
    },
  },
]);

function bound(store: Store): Store {
  return {
    claim: (keys, options) => store.claim(keys, options),
    extend: (claims, options) => store.extend(claims, options),
    complete: (claims, options) => store.complete(claims, options),
    release: (claims) => store.release(claims),
    close: () => store.close(),
  };
}
