import assert from 'node:assert/strict';
import type { IdempotencyStore } from '@anymq/core';
import { storeCasesOf, type StoreCase } from './store-case.ts';
import { ask, claim, stateOf, type StoreContext } from './store-context.ts';

export const leaseCases: readonly StoreCase[] = storeCasesOf('leases', [
  {
    name: 'before its lease ends a claim is nobody else’s; after that one of many takes it over',
    async run(context) {
      const stores = await context.stores(3);
      const [first = assert.fail()] = stores;
      const lease = context.shortLease();
      const late = await claim(first, 'a', context.short);
      await context.shortEnds(0.7);
      await lease.whileItLasts(async () => assert.equal(await stateOf(first, 'a'), 'busy'));
      await context.shortEnds();
      const answers = await Promise.all(
        Array.from({ length: 15 }, (_, n) => ask(stores[n % 3] ?? assert.fail(), 'a', context.long)),
      );
      const taken = answers.filter((answer) => answer.state === 'claimed');
      assert.equal(taken.length, 1, `${taken.length} took it over`);
      assert.notEqual(taken[0]?.token, late.token);
    },
  },
  {
    name: 'an owner that was taken over can neither extend, complete nor give back',
    async run(context) {
      const [one = assert.fail(), other = assert.fail()] = await context.stores(2);
      const late = await claim(one, 'a', context.short);
      await context.shortEnds();
      const own = await claim(other, 'a', context.long);
      assert.deepEqual(await one.extend([late], context.long), [false]);
      assert.deepEqual(await one.complete([late], context.long), [false]);
      await one.release([late]);
      assert.equal(await stateOf(one, 'a'), 'busy', 'the late owner gave away what is no longer its own');
      assert.deepEqual(await other.complete([{ ...own, result: Uint8Array.of(2) }], context.long), [true]);
      assert.deepEqual(await one.complete([{ ...late, result: Uint8Array.of(1) }], context.long), [false]);
      const answer = await ask(one, 'a', context.long);
      assert.ok(answer.state === 'done' && answer.result?.[0] === 2, 'the late owner wrote its result');
    },
  },
  {
    name: 'a key whose second owner gave it back is not the first one’s again',
    async run(context) {
      const store = await context.store();
      const late = await claim(store, 'a', context.short);
      await context.shortEnds();
      await store.release([await claim(store, 'a', context.long)]);
      assert.deepEqual(await store.complete([late], context.long), [false]);
      assert.equal(await stateOf(store, 'a'), 'free');
    },
  },
  {
    name: 'a late owner whose key nobody took completes it',
    async run(context) {
      const store = await context.store();
      const late = await claim(store, 'a', context.short);
      await context.shortEnds();
      assert.deepEqual(await store.complete([late], context.long), [true]);
      assert.equal(await stateOf(store, 'a'), 'done');
    },
  },
  {
    name: 'a late owner and its successor at the same moment: one of them has it',
    async run(context) {
      const [one = assert.fail(), other = assert.fail()] = await context.stores(2);
      const keys = Array.from({ length: 20 }, (_, n) => `key ${n}`);
      const late = await Promise.all(keys.map((key) => claim(one, key, context.short)));
      await context.shortEnds();
      await Promise.all(
        late.map(async (own) => {
          const [answers, answer] = await Promise.all([
            one.complete([own], context.long),
            ask(other, own.key, context.long),
          ]);
          assert.equal(answer.state, answers[0] === true ? 'done' : 'claimed');
        }),
      );
    },
  },
  {
    name: 'extending gives another lease, counted from now, as often as it is asked for',
    async run(context) {
      const [one = assert.fail(), other = assert.fail()] = await context.stores(2);
      let key = 'a';
      // Where a lease ended before it could be extended, nothing is said, and it begins again with another key.
      while (!(await isKeptInTime(context, [one, other], key))) key += 'a';
      await context.shortEnds();
      await claim(other, key, context.long);
    },
  },
  {
    name: 'a process whose clock jumps keeps and takes nothing',
    needs: 'a clock of its own',
    alone: true,
    async run(context) {
      const [one = assert.fail(), other = assert.fail()] = await context.stores(2);
      const own = await claim(one, 'a', context.long);
      const done = await claim(one, 'b', context.long);
      await one.complete([done], context.long);
      const { now } = Date;
      try {
        for (const jumpMs of [3_600_000, -3_600_000]) {
          Date.now = () => now() + jumpMs;
          assert.equal(await stateOf(other, 'a'), 'busy', `it was taken over when the clock jumped by ${jumpMs} ms`);
          assert.equal(await stateOf(other, 'b'), 'done', `it was forgotten when the clock jumped by ${jumpMs} ms`);
          await claim(other, `c ${jumpMs}`, context.short);
        }
      } finally {
        Date.now = now;
      }
      await context.shortEnds();
      for (const jumpMs of [3_600_000, -3_600_000]) await claim(one, `c ${jumpMs}`, context.long);
      assert.deepEqual(await one.complete([own], context.long), [true]);
    },
  },
]);

/** Extends a claim three times; false: too slowly for any of it to be told. */
async function isKeptInTime(
  context: StoreContext,
  [one, other]: readonly [IdempotencyStore, IdempotencyStore],
  key: string,
): Promise<boolean> {
  let lease = context.shortLease();
  const own = await claim(one, key, context.short);
  for (let times = 0; times < 3; times++) {
    const longer = context.shortLease();
    const extend = async (): Promise<void> => assert.deepEqual(await one.extend([own], context.short), [true]);
    if (!(await lease.whileItLasts(extend))) return false;
    lease = longer;
    await context.shortEnds(0.6);
    const isBusy = async (): Promise<void> =>
      assert.equal(await stateOf(other, key), 'busy', 'it ran out although it was extended');
    if (!(await lease.whileItLasts(isBusy))) return false;
  }
  return true;
}
